// A ledger over an arena of mere addresses.
//
// Thread safety: one thread.
#pragma once

#include "global_pool/ledger.h"
#include "shim/sync.h"
#include "tests/support/small_pool.h"

namespace ralloc_test {

class LedgerBed : public SmallPoolTest {
 protected:
  using Ledger = ralloc::Ledger<ralloc::StdSync, SmallLimits>;
  using Run = Ledger::Span;
  using State = ralloc::SpanState;
  using Config = SmallLimits::Config;

  static constexpr std::size_t kStepPages = SmallLimits::Config::commit_bytes(1, 0) / kSmallPage;
  static constexpr std::size_t kSector = SmallLimits::kSectorPages;
  static constexpr std::size_t kPiecePages = SmallLimits::Config::kArenaPiece / kSmallPage;

  ~LedgerBed() override { EXPECT_TRUE(ledger_.is_valid()); }

  Run* take(std::size_t pages, std::size_t align = 1, State state = State::kLarge,
            std::uint32_t words = 0) {
    return span_of(ledger_.take(pages, align, state, words));
  }
  Run* take_growing(std::size_t pages) {
    return span_of(ledger_.take(pages, 1, State::kLarge, 0, true));
  }
  // As take, where it must not fail; its first page.
  std::uintptr_t page_of_next(std::size_t pages) {
    Run* run = take(pages);
    if (run == nullptr) throw std::bad_alloc();
    return run->first_page_.get();
  }
  void give(Run* run, State state = State::kDirty, std::uint64_t now_ms = 0) {
    ledger_.give(Ledger::LooseRun(*run), state, now_ms);
  }
  Run* take_apart(std::size_t pages) { return span_of(ledger_.take_apart(pages)); }
  Run* take_decayed(std::uint64_t before_ms) { return span_of(ledger_.take_decayed(before_ms)); }
  Run* take_sectors() { return span_of(ledger_.take_sectors()); }
  void forget(Run* run) { ledger_.forget(Ledger::LooseRun(*run)); }
  std::size_t dirty_pages() { return ledger_.counts().dirty_bytes / kSmallPage; }
  std::size_t clean_pages() { return ledger_.counts().clean_bytes / kSmallPage; }
  std::size_t committed_pages() { return ledger_.counts().committed_bytes / kSmallPage; }
  std::size_t reserved_pages() { return ledger_.counts().reserved_bytes / kSmallPage; }

  ralloc::PageMap<ralloc::StdSync, SmallLimits> map_;
  Ledger ledger_{map_};
};

}  // namespace ralloc_test
