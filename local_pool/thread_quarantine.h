// Where the blocks that a thread frees lie before they are used again: each changes places with a
// random one of a few slots, and what comes out goes to the end of a queue.
//
// Thread safety: a thread's own, as its pool.
// Invariants: I1 a block that lies here is in no magazine or outgoing array. No more lies here than
// kBytes, where a block counts for at least kLeastCharge, once the caller has taken out what
// is_over() and is_high() tell: both slots and queue have places for as many.
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
consteval bool has_blocks_above(std::size_t bytes) {
  for (unsigned c = 0; c < Limits::kClasses; ++c) {
    if (Limits::size_class(c).block_size > bytes) return true;
  }
  return false;
}

template <class Limits>
class ThreadQuarantine {
  using Defences = typename Limits::Defences;

 public:
  // A block, and in the upper bits what its key says of shard and class; 0 is none. The kernel
  // gives a program no address with more bits than kAddressBits unless it asks for one.
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

  static constexpr std::size_t kLeastCharge = (kBytes + kMost - 1) / kMost;
  // What a block of so many bytes counts for.
  static std::size_t charge_for(std::size_t bytes) {
    return bytes < kLeastCharge ? kLeastCharge : bytes;
  }
  static std::size_t charge_of(Entry entry) { return charge_for(bytes_of(entry)); }
  // A block so large that there would be few others is not for it.
  static bool passes_by(std::size_t bytes) {
    if constexpr (!has_blocks_above<Limits>(kBytes / 4)) return false;
    return bytes > kBytes / 4;
  }

  // The block goes to a random slot, and what lay there to the queue. Larger ones go there at once:
  // the slots have no more than half of all.
  template <class Random>
  [[gnu::always_inline]] void enter(Entry entry, std::size_t bytes, Random& random) {
    const std::size_t charge = charge_for(bytes);
    charged_ += charge;
    if constexpr (kSwaps != 0) {
      if (LIKELY(charge <= kSwapped)) {
        entry = std::exchange(slots_[draw(random)], entry);
        if (UNLIKELY(entry == 0)) return;
      }
    }
    queue_[end_++ % kPlaces] = entry;
  }
  // Then blocks should leave until it is not high: many together are cheaper.
  bool is_over() const { return charged_ > kBytes; }
  bool is_high() const { return charged_ > kBytes - kBytes / 8; }
  // The block that has lain longest in the queue. As slots alone are never high, it has one then.
  Entry leave() {
    DCHECK(begin_ != end_);
    const Entry entry = queue_[begin_++ % kPlaces];
    charged_ -= charge_of(entry);
    return entry;
  }
  // Any block; none if there is none.
  Entry leave_last() {
    if (begin_ != end_) return leave();
    for (Entry& slot : slots_) {
      if (slot == 0) continue;
      charged_ -= charge_of(slot);
      return std::exchange(slot, 0);
    }
    return 0;
  }

  // Calls visit(block, key) for all in the slots, and for some that came to the queue last.
  template <class Visit>
  void for_some(const Visit& visit) const {
    for (const Entry slot : slots_) {
      if (slot != 0) visit(block_of(slot), key_of(slot));
    }
    constexpr std::uint32_t kSome = 4;
    const std::uint32_t n = end_ - begin_ < kSome ? end_ - begin_ : kSome;
    for (std::uint32_t i = 1; i <= n; ++i) {
      const Entry entry = queue_[(end_ - i) % kPlaces];
      visit(block_of(entry), key_of(entry));
    }
  }

  std::size_t bytes() const {
    std::size_t bytes = 0;
    for_each([&](Entry entry) { bytes += bytes_of(entry); });
    return bytes;
  }
  // Debug builds and tests: `map` has the key of every block.
  template <class PageMap>
  bool is_valid(const PageMap& map) const {
    std::size_t charged = 0;
    bool are_known = true;
    for_each([&](Entry entry) {
      charged += charge_of(entry);
      are_known = are_known && map.key_of(block_of(entry)) == key_of(entry);
    });
    return are_known && charged == charged_ && end_ - begin_ <= kPlaces;
  }

 private:
  static constexpr unsigned kAddressBits = 48;
  static constexpr unsigned kKeyUnused = 4;  // low bits of a key: it has 16 times the class
  static constexpr unsigned kKeyShift = kAddressBits - kKeyUnused;
  static_assert(kKeyBits - kKeyUnused <= 64 - kAddressBits);
  static constexpr std::uint32_t kPlaces = std::bit_ceil(std::uint32_t(kMost) + 1);
  static constexpr std::size_t kSlots = kSwaps != 0 ? kSwaps : 1;
  static constexpr std::size_t kSwapped = kBytes / 2 / kSlots;
  static constexpr unsigned kBits = unsigned(std::countr_zero(kSlots));  // that name a slot

  // Several draws are made of one number, below a bit that tells when it is used up. (So a forked
  // child's next few swaps are its parent's.)
  template <class Random>
  [[gnu::always_inline]] std::size_t draw(Random& random) {
    if (UNLIKELY(draws_ >> kBits == 0)) draw_anew(random);
    const std::size_t slot = draws_ % kSlots;
    draws_ >>= kBits;
    return slot;
  }
  // Apart, so that the way of most frees needs no registers of their callers'.
  template <class Random>
  [[gnu::noinline]] void draw_anew(Random& random) {
    draws_ = random.next() | std::uint64_t{1} << 63;
  }
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (std::uint32_t i = begin_; i != end_; ++i) visit(queue_[i % kPlaces]);
    for (const Entry slot : slots_) {
      if (slot != 0) visit(slot);
    }
  }

  std::size_t charged_ = 0;
  std::uint64_t draws_ = 0;
  std::uint32_t begin_ = 0;  // of the queue; counted up for ever
  std::uint32_t end_ = 0;
  Entry slots_[kSlots] = {};
  Entry queue_[kPlaces];  // not touched before there are blocks for it
};

}  // namespace ralloc
