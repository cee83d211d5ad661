// Free runs leave the ledger for the OS, oldest first; pools find their shards; and what a
// thread lost to a fork leaves behind is given up.
#include <gtest/gtest.h>

#include <vector>

#include "global_pool/ledger.h"
#include "tests/support/ledger_bed.h"
#include "tests/support/lossy_sync.h"

namespace ralloc {
namespace {

using ralloc_test::FakeMetadata;
using ralloc_test::is_lost_at;
using ralloc_test::kSmallPage;
using ralloc_test::LossyLimits;
using ralloc_test::LossySync;

class LedgerReturnTest : public ralloc_test::LedgerBed {
 protected:
  // Dirty runs of three pages that cannot merge, free since these times.
  std::vector<Run*> make_holes(std::initializer_list<std::uint64_t> since_ms) {
    std::vector<Run*> holes;
    for (std::size_t i = 0; i < since_ms.size(); ++i) {
      holes.push_back(take(3));
      EXPECT_NE(take(1), nullptr);
    }
    for (std::size_t i = 0; i < since_ms.size(); ++i) {
      give(holes[i], State::kDirty, since_ms.begin()[i]);
    }
    return holes;
  }
};

// --- Decay -------------------------------------------------------------------------------------

TEST_F(LedgerReturnTest, OldestRunLeavesFirst) {
  const std::vector<Run*> holes = make_holes({10, 20, 30});
  EXPECT_EQ(take_decayed(9), nullptr);
  EXPECT_EQ(take_decayed(10), holes[0]);
  EXPECT_EQ(take_decayed(10), nullptr);
  EXPECT_EQ(take_decayed(1000), holes[1]);
  EXPECT_EQ(take_decayed(1000), holes[2]);
  EXPECT_EQ(take_decayed(1000), nullptr);
  EXPECT_EQ(dirty_pages(), 0u);
}

// A thread may be late with a time that it read before another one.
TEST_F(LedgerReturnTest, StaysInOrderThoughTimesComeLate) {
  make_holes({50, 49});
  EXPECT_TRUE(ledger_.is_valid());
  EXPECT_NE(take_decayed(50), nullptr);
  EXPECT_NE(take_decayed(50), nullptr);
}

TEST_F(LedgerReturnTest, RunThatIsTakenDoesNotDecay) {
  make_holes({10});
  ASSERT_NE(take(3), nullptr);
  EXPECT_EQ(take_decayed(1000), nullptr);
}

TEST_F(LedgerReturnTest, RestOfATakenRunKeepsItsAge) {
  Run* hole = take(10);
  ASSERT_NE(take(1), nullptr);
  ASSERT_EQ(hole->first_page_.get() % 4, 0u);
  give(hole, State::kDirty, 10);
  ASSERT_NE(take(1), nullptr);
  ASSERT_NE(take(2, 4), nullptr) << "from the middle of what is left";
  ASSERT_EQ(dirty_pages(), 7u);
  std::size_t pages = 0;
  while (Run* run = take_decayed(10)) pages += run->pages_.get();
  EXPECT_EQ(pages, 7u);
}

TEST_F(LedgerReturnTest, MergedRunKeepsTheAgeOfItsLargerPart) {
  for (const bool large_is_old : {true, false}) {
    Run* small = take(2);
    Run* large = take(6);
    ASSERT_NE(take(1), nullptr);
    give(small, State::kDirty, large_is_old ? 90 : 10);
    give(large, State::kDirty, large_is_old ? 10 : 90);
    Run* decayed = take_decayed(50);
    EXPECT_EQ(decayed != nullptr, large_is_old);
    if (decayed == nullptr) decayed = take_decayed(90);
    ASSERT_NE(decayed, nullptr);
    EXPECT_EQ(decayed->pages_.get(), 8u);
    give(decayed, State::kClean);
  }
}

TEST_F(LedgerReturnTest, NobodyGetsOrMergesWithARunThatHasLeft) {
  Run* left = take(3);
  Run* next = take(3);
  ASSERT_NE(take(1), nullptr);
  const std::uintptr_t page = left->first_page_.get();
  give(left, State::kDirty, 10);
  ASSERT_EQ(take_decayed(10), left);
  give(next, State::kDirty, 20);
  EXPECT_EQ(left->pages_.get(), 3u);
  EXPECT_EQ(dirty_pages(), 3u);
  EXPECT_NE(page_of_next(3), page);
  give(left, State::kClean);
  EXPECT_TRUE(ledger_.is_valid());
}

TEST_F(LedgerReturnTest, PurgedRunMergesWithCleanNeighbours) {
  Run* run = take(3);
  const std::size_t rest = clean_pages();
  give(run, State::kDirty, 10);
  give(take_decayed(10), State::kClean);
  EXPECT_EQ(clean_pages(), rest + 3);
  Run* all = take(rest + 3);
  EXPECT_EQ(committed_pages(), kStepPages);
  EXPECT_TRUE(all->was_clean_.get());
}

TEST_F(LedgerReturnTest, OneCallerInAWhileIsAskedToLook) {
  constexpr std::uint64_t kDecayMs = 800;
  EXPECT_TRUE(ledger_.is_decay_due(1000, kDecayMs));
  EXPECT_FALSE(ledger_.is_decay_due(1000, kDecayMs));
  EXPECT_FALSE(ledger_.is_decay_due(1001, kDecayMs));
  EXPECT_TRUE(ledger_.is_decay_due(1000 + kDecayMs, kDecayMs));
  EXPECT_FALSE(ledger_.is_decay_due(1000 + kDecayMs, kDecayMs));
}

// --- Release -----------------------------------------------------------------------------------

TEST_F(LedgerReturnTest, WholeSectorsOfCleanRunsLeave) {
  ASSERT_NE(take(3), nullptr);
  ASSERT_NE(take(kSector), nullptr);
  const std::size_t clean = clean_pages();
  Run* run = take_sectors();
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(run->first_page_.get() % kSector, 0u);
  EXPECT_EQ(run->pages_.get(), kStepPages - 2 * kSector);
  EXPECT_EQ(clean_pages(), clean - run->pages_.get());
  EXPECT_EQ(take_sectors(), nullptr) << "what is left is less than one";
  forget(run);
  EXPECT_EQ(committed_pages(), 2 * kSector);
  EXPECT_EQ(reserved_pages(), kPiecePages - (kStepPages - 2 * kSector));
}

TEST_F(LedgerReturnTest, SectorsWithBackingStay) {
  give(take(kStepPages), State::kDirty);
  EXPECT_EQ(take_sectors(), nullptr);
}

TEST_F(LedgerReturnTest, SectorsStayWithoutARecord) {
  ASSERT_NE(take(3), nullptr);
  const std::size_t clean = clean_pages();
  FakeMetadata::has_reserve = false;
  FakeMetadata::takes_until_failure = 1;
  EXPECT_EQ(take_sectors(), nullptr);
  EXPECT_EQ(clean_pages(), clean);
}

TEST_F(LedgerReturnTest, ForSectorsThereAreRecordsInReserve) {
  ASSERT_NE(take(3), nullptr);
  FakeMetadata::takes_until_failure = 2;  // two are needed in the middle of a run
  Run* run = take_sectors();
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(run->pages_.get(), kStepPages - kSector);
  forget(run);
}

TEST_F(LedgerReturnTest, NobodyGetsOrMergesWithReleasedSectors) {
  Run* before = take(kSector);
  Run* run = take_sectors();
  const std::uintptr_t first = run->first_page_.get();
  const std::uintptr_t end = run->end_page();
  forget(run);
  EXPECT_FALSE(ledger_.extend(before, kSector + 1));
  give(before, State::kClean);
  for (int i = 0; i < 20; ++i) {
    Run* other = take(10);
    EXPECT_TRUE(other->end_page() <= first || other->first_page_.get() >= end);
  }
}

// --- Homes of pools ----------------------------------------------------------------------------

constexpr std::size_t kRecord = 256;  // of a pool

TEST_F(LedgerReturnTest, PoolsSpreadOverTheShards) {
  // The limit of three shards is below four for the one core.
  for (std::uint32_t round = 0; round < 3; ++round) {
    for (std::uint32_t shard = 0; shard < 3; ++shard) EXPECT_EQ(ledger_.attach_pool(kRecord).shard, shard);
  }
}

TEST_F(LedgerReturnTest, PoolGoesWhereOneHasLeft) {
  Ledger::PoolPlace places[6];
  for (auto& place : places) place = ledger_.attach_pool(kRecord);
  ASSERT_EQ(places[4].shard, 1u);
  ledger_.detach_pool(places[4], kRecord);
  EXPECT_EQ(ledger_.attach_pool(kRecord).shard, 1u);
  EXPECT_EQ(ledger_.attach_pool(kRecord).shard, 0u);
}

TEST_F(LedgerReturnTest, PoolsOfLostThreadsMayDetach) {
  ledger_.detach_pool({ledger_.take_metadata(kRecord), 2}, kRecord);  // none is known there
  for (std::uint32_t shard = 0; shard < 3; ++shard) EXPECT_EQ(ledger_.attach_pool(kRecord).shard, shard);
}

TEST_F(LedgerReturnTest, PoolHasARecordOrNoHome) {
  FakeMetadata::takes_until_failure = 1;
  EXPECT_EQ(ledger_.attach_pool(kRecord).record, nullptr);
  EXPECT_EQ(ledger_.pools(), 0u);
  EXPECT_NE(ledger_.attach_pool(kRecord).record, nullptr);
  EXPECT_EQ(ledger_.pools(), 1u);
}

TEST_F(LedgerReturnTest, PoolGivesBackItsRecordAndItsChunks) {
  const auto place = ledger_.attach_pool(kRecord);
  MetadataChain* chunks = nullptr;
  for (const std::size_t bytes : {2048u, 4096u}) {
    chunks = new (ledger_.take_metadata(bytes)) MetadataChain{chunks, bytes};
  }
  EXPECT_EQ(FakeMetadata::outstanding, kRecord + 2048 + 4096);
  ledger_.detach_pool(place, kRecord, chunks);
  EXPECT_EQ(FakeMetadata::outstanding, 0u);
  EXPECT_EQ(ledger_.take_metadata(4096), chunks) << "each by its length";
}

// --- After a fork in which a thread was lost that held the mutex -------------------------------

class LostLedgerTest : public ralloc_test::SmallPoolTest {
 protected:
  using Ledger = ralloc::Ledger<LossySync, LossyLimits>;
  using Run = Ledger::Span;

  Run* take(std::size_t pages) {
    return ralloc_test::span_of(ledger_.take(pages, 1, SpanState::kLarge, 0));
  }
  void give(Run* run) { ledger_.give(Ledger::LooseRun(*run), SpanState::kDirty, 0); }
  void lose_thread() {
    ASSERT_TRUE(is_lost_at(2, [&] { (void)take(1); })) << "under the mutex";
  }

  PageMap<LossySync, LossyLimits> map_;
  Ledger ledger_{map_};
};

TEST_F(LostLedgerTest, GivesUpItsFreeRuns) {
  Run* run = take(3);
  lose_thread();
  EXPECT_TRUE(ledger_.is_valid());
  EXPECT_EQ(ledger_.counts().clean_bytes, 0u);
  Run* other = take(3);
  ASSERT_NE(other, nullptr);
  EXPECT_TRUE(other->first_page_.get() >= run->end_page() ||
              other->end_page() <= run->first_page_.get());
  EXPECT_EQ(ledger_.counts().reserved_bytes, 2 * LossyLimits::Config::kArenaPiece) << "of a new piece";
}

TEST_F(LostLedgerTest, TakesRunsBackThatWereTakenBefore) {
  Run* runs[] = {take(3), take(3), take(3)};
  lose_thread();
  const std::uintptr_t page = runs[0]->first_page_.get();
  for (Run* run : {runs[0], runs[2], runs[1]}) give(run);
  EXPECT_TRUE(ledger_.is_valid());
  EXPECT_EQ(take(9)->first_page_.get(), page) << "as one";
}

TEST_F(LostLedgerTest, DoesNotMergeWithRunsItGaveUp) {
  Run* run = take(3);
  Run* next = take(3);
  ASSERT_NE(take(1), nullptr);
  give(next);
  lose_thread();
  EXPECT_FALSE(ledger_.extend(run, 4));
  give(run);
  EXPECT_EQ(ledger_.counts().dirty_bytes, 3 * kSmallPage);
  EXPECT_TRUE(ledger_.is_valid());
}

TEST_F(LostLedgerTest, ForgetsThePoolsOfLostThreads) {
  for (int i = 0; i < 4; ++i) (void)ledger_.attach_pool(kRecord);
  lose_thread();
  for (std::uint32_t shard = 0; shard < 3; ++shard) EXPECT_EQ(ledger_.attach_pool(kRecord).shard, shard);
}

}  // namespace
}  // namespace ralloc
