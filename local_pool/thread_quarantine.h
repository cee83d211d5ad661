// Where the blocks that a thread frees lie before they are used again: each changes places with a
// random one of a few slots, and what comes out goes to the end of a queue.
//
// Thread safety: a thread's own, as its pool.
// Invariants: I1 a block that lies here is in no magazine or outgoing array. The queue holds at most
// kMost blocks, and of those that are freed no more bytes than Limits says, once the caller has
// taken out what is_over() tells.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "global_pool/page_map.h"
#include "shim/annotations.h"
#include "shim/fatal.h"

namespace ralloc {

template <class Limits>
class ThreadQuarantine {
  using Defences = typename Limits::Defences;

 public:
  // A block, and in the upper bits what its key says of shard and class; 0 is none. The kernel gives
  // a program no address with more bits than kAddressBits unless it asks for one.
  using Entry = std::uint64_t;
  static constexpr std::size_t kBytes = Defences::kThreadQuarantineBytes;
  static constexpr std::size_t kSwaps = Defences::kThreadQuarantineSwaps;
  static constexpr std::size_t kMost = Limits::kQuarantineBlocks;

  static Entry entry_of(const void* block, Key key) {
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    DCHECK(address >> kAddressBits == 0);
    return address | key << kKeyShift;
  }
  static void* block_of(Entry entry) {
    return reinterpret_cast<void*>(entry & ((Entry{1} << kAddressBits) - 1));
  }
  static Key key_of(Entry entry) { return kLiveKey | entry >> kAddressBits << kKeyUnused; }
  static std::size_t bytes_of(Entry entry) {
    return Limits::size_class(class_of(key_of(entry))).block_size;
  }

  // A block so large that the queue would hold few others is not for it.
  static bool passes_by(Key key) {
    if constexpr (!kSomePassBy) return false;
    return is_too_large(class_of(key));
  }

  // The block goes to a slot, which the generator names, and what lay there to the queue.
  template <class Random>
  [[gnu::always_inline]] void enter(Entry entry, Random& random) {
    if constexpr (kSwaps != 0) {
      Entry& slot = slots_[kSwaps == 1 ? 0 : random.bits(std::countr_zero(kSwaps))];
      const Entry last = slot;
      slot = entry;
      if (UNLIKELY(last == 0)) return;
      entry = last;
    }
    queue_[end_++ % kPlaces] = entry;
    bytes_ += bytes_of(entry);
  }
  bool is_over() const { return bytes_ > kBytes || end_ - begin_ > kMost; }
  // The block that has lain longest in the queue, which is not empty.
  Entry leave() {
    const Entry entry = queue_[begin_++ % kPlaces];
    bytes_ -= bytes_of(entry);
    return entry;
  }
  // Any block; none if there is none.
  Entry leave_last() {
    if (begin_ != end_) return leave();
    for (Entry& slot : slots_) {
      if (slot != 0) return std::exchange(slot, 0);
    }
    return 0;
  }

  std::size_t bytes() const {
    std::size_t bytes = bytes_;
    for (const Entry slot : slots_) bytes += slot != 0 ? bytes_of(slot) : 0;
    return bytes;
  }
  // Debug builds and tests: `map` has the key of every block.
  template <class PageMap>
  bool is_valid(const PageMap& map) const {
    std::size_t bytes = 0;
    for (std::uint32_t i = begin_; i != end_; ++i) {
      const Entry entry = queue_[i % kPlaces];
      if (map.key_of(block_of(entry)) != key_of(entry)) return false;
      bytes += bytes_of(entry);
    }
    for (const Entry slot : slots_) {
      if (slot != 0 && map.key_of(block_of(slot)) != key_of(slot)) return false;
    }
    return bytes == bytes_ && end_ - begin_ <= kMost;
  }

 private:
  static constexpr unsigned kAddressBits = 48;
  static constexpr unsigned kKeyUnused = 4;  // low bits of a key: it has 16 times the class
  static constexpr unsigned kKeyShift = kAddressBits - kKeyUnused;
  static_assert(kKeyBits - kKeyUnused <= 64 - kAddressBits);
  // One block more than may stay lies there for a moment.
  static constexpr std::uint32_t kPlaces = std::bit_ceil(std::uint32_t(kMost) + 1);
  static constexpr std::size_t kSlots = kSwaps != 0 ? kSwaps : 1;

  static constexpr bool is_too_large(unsigned size_class) {
    return Limits::size_class(size_class).block_size > kBytes / 4;
  }
  static consteval bool has_too_large() {
    for (unsigned c = 0; c < Limits::kClasses; ++c) {
      if (is_too_large(c)) return true;
    }
    return false;
  }
  static constexpr bool kSomePassBy = has_too_large();

  std::size_t bytes_ = 0;    // in the queue
  std::uint32_t begin_ = 0;  // counted up for ever
  std::uint32_t end_ = 0;
  Entry slots_[kSlots] = {};
  Entry queue_[kPlaces];  // not touched before there are blocks for it
};

}  // namespace ralloc
