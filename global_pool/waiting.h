// Large blocks that were freed and wait before they are used again, in order of age.
//
// Thread safety: none; the ledger keeps it under its mutex.
// Invariants: the size is the sum of those of the blocks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "global_pool/list.h"

namespace ralloc {

template <class Sync, class Span, std::size_t (*kSizeOf)(const Span*)>
class WaitingBlocks {
  template <class T>
  using Cell = typename Sync::template Cell<T>;

 public:
  std::size_t size() const { return size_.get(); }
  void put(Span* block) {
    blocks_.push_back(block);
    size_.set(size_.get() + kSizeOf(block));
  }
  // The oldest, if all are more than `most`; else null.
  Span* take(std::size_t most) {
    return size_.get() > most ? remove(blocks_.front()) : nullptr;
  }
  // The oldest, if it waits since `before_ms` or earlier; else null.
  Span* take_old(std::uint64_t before_ms) {
    Span* const block = blocks_.front();
    return block != nullptr && block->freed_ms_.get() <= before_ms ? remove(block) : nullptr;
  }
  // Of the oldest the one that fits with the fewest OS pages to open or close, and behind which
  // blocks of at least `least` wait; else null.
  template <class Fits>
  Span* take_fitting(std::size_t open, std::size_t least, const Fits& fits) {
    Span* best = nullptr;
    std::size_t best_changes = SIZE_MAX;
    std::size_t behind = size_.get();
    Span* block = blocks_.front();
    for (unsigned looked = 0; block != nullptr && looked < kLookMost; ++looked) {
      behind -= kSizeOf(block);
      if (behind < least || best_changes == 0) break;
      const std::size_t has = block->open_.get();
      const std::size_t changes = has < open ? open - has : has - open;
      if (changes < best_changes && fits(block)) {
        best = block;
        best_changes = changes;
      }
      block = blocks_.after(block);
    }
    return best != nullptr ? remove(best) : nullptr;
  }
  void retire() {
    blocks_.clear();
    size_.set(0);
  }

 private:
  // Each is a record to be read, which is less than a system call costs.
  static constexpr unsigned kLookMost = 32;

  Span* remove(Span* block) {
    blocks_.remove(block);
    size_.set(size_.get() - kSizeOf(block));
    return block;
  }

  Cell<std::size_t> size_{};
  List<Sync, Span, &Span::by_age_> blocks_{};
};

}  // namespace ralloc
