// Large blocks that have a mapping of their own with inaccessible pages before and behind them:
// how many live, and those that were freed, which wait before they are used again or given up.
//
// Some wait open: they keep their backing, are zeros, and whoever writes to one is found when it is
// handed out. The others are closed: nobody can access them.
//
// Thread safety: none; the ledger keeps it under its mutex.
// Invariants: who waits is kLeaving and has no key of a live block; of each sort the oldest leaves
// first, and none is used again before half as much as may wait of its sort was freed after it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "global_pool/ballast.h"
#include "global_pool/page_map.h"
#include "global_pool/span.h"
#include "global_pool/waiting.h"

namespace ralloc {

// A block that is to be: so many pages, the first a multiple of `align`, and OS pages to be open.
struct GuardedWish {
  std::size_t pages = 0;
  std::size_t align = 1;
  std::size_t open = 0;
};

template <class Sync, class Limits>
class GuardedBlocks {
  template <class T>
  using Cell = typename Sync::template Cell<T>;
  using Memory = typename Limits::Memory;
  using Defences = typename Limits::Defences;

 public:
  using Span = ralloc::Span<Sync, Limits>;

  // --- Those that live ---------------------------------------------------------------------------
  // The OS knows a limit on mappings, and each block has several.
  bool may_have_more() const { return live_.get() < most_.get(); }
  void came() {
    constexpr std::size_t kForBallast = Defences::kGuardedForBallast;
    if constexpr (kForBallast != 0) {
      // Only if there were never as many. Limited addresses are not many mappings.
      if (live_.get() >= ballasted_.get() && Memory::limit() == SIZE_MAX) {
        ballast_.add();
        ballasted_.set(ballasted_.get() + kForBallast);
      }
    }
    live_.set(live_.get() + 1);
    came_.set(came_.get() + 1);
    const bool is_short = most_.get() < Defences::kGuardedMost;
    most_.set(most_.get() + (is_short && came_.get() % kForOneMore == 0));
  }
  // The process is out of mappings: what was kept is for others, and half as many blocks must do,
  // of which it gets one more for each kForOneMore that come. False if nothing was kept.
  bool drop_ballast() {
    if (!ballast_.drop()) return false;
    ballasted_.set(0);
    most_.set(live_.get() / 2 + 1);
    return true;
  }
  std::size_t ballast_bytes() const { return ballast_.reserved_bytes(); }
  // After a fork that lost a thread the number may be off by one.
  void went() {
    if (live_.get() != 0) live_.set(live_.get() - 1);
  }
  // OS pages that are accessible, of all blocks here.
  std::size_t open() const { return open_.get(); }
  std::size_t waiting_open() const { return waiting_open_.size(); }
  void set_open(Span* block, std::size_t open) {
    // After a fork it may be off, as above.
    const std::size_t all = open_.get() + open;
    open_.set(all > block->open_.get() ? all - block->open_.get() : 0);
    block->open_.set(std::uint32_t(open));
  }

  // --- Those that were freed ---------------------------------------------------------------------
  // Whether it is not to wait: it is too long, or a process that may not have many addresses needs
  // them.
  bool refuses(const Span* block) {
    return Memory::limit() != SIZE_MAX || (block->open_.get() == 0 && block->pages_.get() > kPagesMost);
  }
  void put(Span* block) {
    block->state_.set(SpanState::kLeaving);
    if (block->open_.get() != 0) {
      waiting_open_.put(block);
    } else {
      waiting_closed_.put(block);
    }
  }
  // The oldest of those beyond what may wait: open ones first, which may go on to wait closed.
  Span* take_surplus() {
    Span* const block = waiting_open_.take(open_most());
    return block != nullptr ? block : waiting_closed_.take(kPagesMost);
  }
  // The oldest open one, if it waits since `before_ms` or earlier.
  Span* take_old(std::uint64_t before_ms) { return waiting_open_.take_old(before_ms); }
  // The oldest open one, then the oldest closed one; null if none waits.
  Span* take_any() {
    Span* const block = waiting_open_.take(0);
    return block != nullptr ? block : waiting_closed_.take(0);
  }
  // One to be used again; null if none fits that has waited long enough.
  Span* take_fitting(const GuardedWish& wish) {
    const std::size_t needed = PageMap<Sync, Limits>::in_sectors(wish.align + wish.pages);
    const auto fits = [&](const Span* block) {
      return block->pages_.get() >= wish.pages && pages_of(block) <= 2 * needed &&
             block->first_page_.get() % wish.align == 0;
    };
    Span* const block = waiting_open_.take_fitting(wish.open, open_most() / 2, fits);
    return block != nullptr ? block : waiting_closed_.take_fitting(wish.open, kPagesMost / 2, fits);
  }
  // Half linked, perhaps: their addresses stay reserved for good.
  void retire() {
    const std::size_t lost = waiting_open_.size();
    open_.set(open_.get() > lost ? open_.get() - lost : 0);
    waiting_open_.retire();
    waiting_closed_.retire();
    ballast_.retire();
  }

 private:
  static constexpr std::size_t kForOneMore = 16;
  static constexpr std::size_t kPagesMost = Defences::kLargeQuarantineBytes >> Limits::kPageShift;

  static std::size_t open_most() { return Defences::kLargeOpenBytes / Memory::granule(); }
  // With those before the block.
  static std::size_t pages_of(const Span* block) { return block->guard() + block->pages_.get(); }
  static std::size_t open_of(const Span* block) { return block->open_.get(); }

  Cell<std::size_t> live_{};
  Cell<std::size_t> most_{Defences::kGuardedMost};
  Cell<std::size_t> came_{};
  Cell<std::size_t> ballasted_{};  // so many may live with the ballast that is there
  Ballast<Sync, Limits> ballast_{};
  Cell<std::size_t> open_{};
  WaitingBlocks<Sync, Span, &GuardedBlocks::open_of> waiting_open_{};
  WaitingBlocks<Sync, Span, &GuardedBlocks::pages_of> waiting_closed_{};
};

// In builds without such blocks.
struct NoGuardedBlocks {};

}  // namespace ralloc
