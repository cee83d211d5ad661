// Large blocks that have a mapping of their own with inaccessible pages before and behind them:
// how many live, and those that were freed, whose addresses wait before they are given up.
//
// Thread safety: none; the ledger keeps it under its mutex.
// Invariants: who is in the quarantine is kLeaving and has neither backing nor key; the oldest
// leaves first.
#pragma once

#include <cstddef>
#include <cstdint>

#include "global_pool/ballast.h"
#include "global_pool/list.h"
#include "global_pool/span.h"

namespace ralloc {

template <class Sync, class Limits>
class GuardedBlocks {
  template <class T>
  using Cell = typename Sync::template Cell<T>;

 public:
  using Span = ralloc::Span<Sync, Limits>;

  // The OS knows a limit on mappings, and each block has several.
  bool may_have_more() const { return live_.get() < most_.get(); }
  void came() {
    constexpr std::size_t kForBallast = Limits::Defences::kGuardedForBallast;
    if constexpr (kForBallast != 0) {
      if (live_.get() % kForBallast == 0) ballast_.add();
    }
    live_.set(live_.get() + 1);
  }
  // The process is out of mappings: what was kept is for others, and half as many blocks must do
  // from now on. False if nothing was kept.
  bool drop_ballast() {
    if (!ballast_.drop()) return false;
    most_.set(live_.get() / 2);
    return true;
  }
  // After a fork that lost a thread the number may be off by one.
  void went() {
    if (live_.get() != 0) live_.set(live_.get() - 1);
  }

  void put(Span* block) {
    block->state_.set(SpanState::kLeaving);
    waiting_.push_back(block);
    pages_.set(pages_.get() + pages_of(block));
  }
  // The oldest, if all have more pages than `most`; else null.
  Span* take(std::size_t most) {
    Span* const block = waiting_.front();
    if (block == nullptr || pages_.get() <= most) return nullptr;
    waiting_.remove(block);
    pages_.set(pages_.get() - pages_of(block));
    return block;
  }
  // Half linked, perhaps: their addresses stay reserved for good.
  void retire() {
    waiting_.clear();
    pages_.set(0);
    ballast_.retire();
  }

  // With those before the block.
  static std::size_t pages_of(const Span* block) {
    return block->guard() + block->pages_.get();
  }

 private:
  Cell<std::size_t> live_{};
  Cell<std::size_t> most_{Limits::Defences::kGuardedMost};
  Ballast<Sync, Limits> ballast_{};
  Cell<std::size_t> pages_{};  // of addresses that wait
  List<Sync, Span, &Span::by_age_> waiting_{};
};

// In builds without such blocks.
struct NoGuardedBlocks {};

}  // namespace ralloc
