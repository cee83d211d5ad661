// Large blocks that a thread has freed and will have again: a stack for each length.
//
// The ledger's mutex would be taken twice for such a pair, and is the same for all threads. What
// lies here is still a large block to the ledger, but nobody's: see GlobalPool::set_aside.
//
// Thread safety: touched by one thread alone. Invariants: I1.
#pragma once

#include <cstddef>
#include <cstdint>

#include "global_pool/span.h"
#include "shim/fatal.h"

namespace ralloc {

template <class Sync, class Limits>
class LargeStacks {
  using Config = typename Limits::Config;

 public:
  using Span = ralloc::Span<Sync, Limits>;
  // Blocks of more pages do not lie here.
  static constexpr std::size_t kMostPages = Config::kLargeKeptMost >> Limits::kPageShift;

  // One of just so many pages; null if there is none. O(1).
  Span* pop(std::size_t pages) {
    if (pages - 1 >= kMostPages || tops_[pages - 1] == nullptr) return nullptr;
    return pop_from(pages - 1);
  }
  // One of those with the fewest pages, but at least so many; null if there is none. O(kMostPages).
  Span* pop_longer(std::size_t pages) {
    for (std::size_t i = pages - 1; i < kMostPages; ++i) {
      if (tops_[i] != nullptr) return pop_from(i);
    }
    return nullptr;
  }
  void push(Span* span) {
    const std::size_t i = span->pages_.get() - 1;
    span->in_bin_.next.set(tops_[i]);
    tops_[i] = span;
    pages_ += i + 1;
  }
  std::size_t bytes() const { return pages_ << Limits::kPageShift; }

  std::size_t room = 0;          // bytes that may lie here; drawn from the budget
  std::uint32_t last_event = 0;  // of the pool, before a block came or went here
  std::uint32_t turns = 0;       // blocks that came since the last look at the clock
  bool is_clock_due() const { return turns >= Config::kClockEvents; }
  bool is_valid() const {
    std::size_t found = 0;
    for (std::size_t i = 0; i < kMostPages; ++i) {
      for (const Span* span = tops_[i]; span != nullptr; span = span->in_bin_.next.get()) {
        if (span->pages_.get() != i + 1) return false;
        found += i + 1;
      }
    }
    return found == pages_;
  }

 private:
  Span* pop_from(std::size_t i) {
    Span* const span = tops_[i];
    DCHECK(span != nullptr);
    tops_[i] = span->in_bin_.next.get();
    pages_ -= i + 1;
    return span;
  }

  Span* tops_[kMostPages] = {};
  std::size_t pages_ = 0;
};

}  // namespace ralloc
