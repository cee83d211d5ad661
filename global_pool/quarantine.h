// Blocks that the program freed, and that lie for a while before they are used again, so that
// debuggers still see who uses them.
//
// Thread safety: every member function may be called from any thread; each holds the one mutex
// and no other, and calls nothing out: what has lain long enough is for the caller to free.
// One for all threads, not one for each: then a block lies as long whoever frees, and there is
// nothing to give up when a thread ends.
// Invariants: addresses are kept inverted, as in live_blocks.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shim/annotations.h"
#include "shim/config.h"
#include "shim/sync.h"

namespace ralloc {

class Quarantine {
 public:
  static constexpr std::size_t kBlocks = 8192;

  constexpr Quarantine() = default;

  // Takes a block in, if all of them have `most` bytes then at most; else false.
  [[nodiscard]] bool put(void* block, std::size_t bytes, std::size_t most) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    if (!has_room(bytes, most)) return false;
    entries_[(first_ + count_) % kBlocks] = {~reinterpret_cast<std::uintptr_t>(block), bytes};
    ++count_;
    bytes_ += bytes;
    return true;
  }

  // The block that lies here longest, if that makes room for `bytes` more; else null.
  void* take(std::size_t bytes, std::size_t most) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    if (count_ == 0 || has_room(bytes, most)) return nullptr;
    const Entry entry = entries_[first_];
    entries_[first_] = {};
    first_ = (first_ + 1) % kBlocks;
    --count_;
    bytes_ -= entry.bytes;
    return reinterpret_cast<void*>(~entry.hidden);
  }

  // Whether the address is in a block here. Slow: for who is about to complain.
  bool has(const void* p) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    for (std::size_t i = 0; i < count_; ++i) {
      const Entry& entry = entries_[(first_ + i) % kBlocks];
      if (reinterpret_cast<std::uintptr_t>(p) - ~entry.hidden < entry.bytes) return true;
    }
    return false;
  }

 private:
  using Guard = StdSync::Guard;
  struct Entry {
    std::uintptr_t hidden;
    std::size_t bytes;
  };

  bool has_room(std::size_t bytes, std::size_t most) REQUIRES(mutex_, any_mutex) {
    return count_ < kBlocks && bytes <= most && bytes_ <= most - bytes;
  }
  void retire() REQUIRES(mutex_, any_mutex) { first_ = count_ = bytes_ = 0; }

  StdSync::Mutex mutex_;
  std::size_t first_ GUARDED_BY(mutex_) = 0;
  std::size_t count_ GUARDED_BY(mutex_) = 0;
  std::size_t bytes_ GUARDED_BY(mutex_) = 0;
  Entry entries_[kBlocks] GUARDED_BY(mutex_) = {};
};

}  // namespace ralloc
