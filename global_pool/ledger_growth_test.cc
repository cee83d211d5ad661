// Blocks grow and shrink in place, or have a mapping of their own.
#include <gtest/gtest.h>

#include "global_pool/ledger.h"
#include "tests/support/ledger_bed.h"

namespace ralloc {
namespace {

using ralloc_test::FakeMetadata;
using ralloc_test::kSmallPage;

class LedgerGrowthTest : public ralloc_test::LedgerBed {
 protected:
  // A taken run with a dirty one behind it, and behind that another taken one.
  Run* take_before_free(std::size_t pages, std::size_t free) {
    Run* run = take(pages);
    Run* next = take(free);
    EXPECT_NE(take(1), nullptr);
    give(next);
    return run;
  }
  // A taken run in whose place nothing is free.
  Run* take_rest_of_step() { return take(clean_pages()); }
};

// --- Blocks that grow -----------------------------------------------------------------------------

TEST_F(LedgerGrowthTest, ExtendsIntoAFreeNeighbour) {
  Run* run = take_before_free(3, 5);
  ASSERT_TRUE(ledger_.extend(run, 5));
  EXPECT_EQ(run->pages_.get(), 5u);
  EXPECT_EQ(dirty_pages(), 3u);
  ASSERT_TRUE(ledger_.is_valid());
  ASSERT_TRUE(ledger_.extend(run, 8)) << "all of the neighbour";
  EXPECT_EQ(dirty_pages(), 0u);
  EXPECT_FALSE(ledger_.extend(run, 9)) << "the next one is taken";
  EXPECT_EQ(run->pages_.get(), 8u);
}

TEST_F(LedgerGrowthTest, DoesNotExtendIntoANeighbourThatIsTooShort) {
  Run* run = take_before_free(3, 5);
  EXPECT_FALSE(ledger_.extend(run, 9));
  EXPECT_EQ(run->pages_.get(), 3u);
  EXPECT_EQ(dirty_pages(), 5u);
}

TEST_F(LedgerGrowthTest, ExtendsOverTheFrontier) {
  Run* run = take(3);
  ASSERT_TRUE(ledger_.extend(run, kStepPages + 10)) << "with what is committed, and more";
  EXPECT_EQ(committed_pages(), 2 * kStepPages);
  ASSERT_TRUE(ledger_.extend(run, 2 * kStepPages)) << "all that is committed";
  ASSERT_TRUE(ledger_.extend(run, 2 * kStepPages + 1)) << "with nothing but the frontier";
  ASSERT_TRUE(ledger_.extend(run, kPiecePages)) << "to the end of the piece";
  EXPECT_FALSE(ledger_.extend(run, kPiecePages + 1));
  EXPECT_EQ(run->pages_.get(), kPiecePages);
}

TEST_F(LedgerGrowthTest, ExtendFailsWhereTheFrontierIsNotCommitted) {
  Run* run = take(3);
  memory_.largest_commit = 0;
  EXPECT_FALSE(ledger_.extend(run, kStepPages + 10));
  EXPECT_EQ(run->pages_.get(), 3u);
  EXPECT_EQ(clean_pages(), kStepPages - 3);
}

TEST_F(LedgerGrowthTest, ExtendsOverADirtyNeighbourAndTheFrontier) {
  Run* run = take(3);
  Run* rest = take_rest_of_step();
  give(rest, State::kDirty);
  ASSERT_TRUE(ledger_.extend(run, kStepPages + 10)) << "part dirty, part clean";
  EXPECT_EQ(run->pages_.get(), kStepPages + 10);
  EXPECT_EQ(dirty_pages(), 0u);
}

TEST_F(LedgerGrowthTest, ExtendsOverDirtyAndCleanNeighboursByTurns) {
  Run* run = take(3);
  Run* const neighbours[] = {take(4), take(5), take(6)};
  ASSERT_NE(take(1), nullptr);
  give(neighbours[0], State::kDirty);
  give(neighbours[1], State::kClean);
  give(neighbours[2], State::kDirty);
  const std::size_t clean = clean_pages();
  EXPECT_FALSE(ledger_.extend(run, 3 + 4 + 5 + 6 + 1)) << "there is one too few";
  EXPECT_EQ(run->pages_.get(), 3u);
  EXPECT_EQ(dirty_pages(), 4u + 6u);
  ASSERT_TRUE(ledger_.extend(run, 3 + 4 + 5 + 2));
  EXPECT_EQ(run->pages_.get(), 3u + 4 + 5 + 2);
  EXPECT_EQ(dirty_pages(), 4u);
  EXPECT_EQ(clean_pages(), clean - 5);
}

TEST_F(LedgerGrowthTest, TakesPagesAheadWhereTheyAreFree) {
  Run* run = take_before_free(3, 5);
  ASSERT_TRUE(ledger_.extend(run, 4, 2));
  EXPECT_EQ(run->pages_.get(), 6u);
  EXPECT_EQ(run->ahead_.get(), 2u);
  ASSERT_TRUE(ledger_.extend(run, 7, 9)) << "there is one more";
  EXPECT_EQ(run->pages_.get(), 8u);
  EXPECT_EQ(run->ahead_.get(), 1u);
  EXPECT_FALSE(ledger_.extend(run, 9, 9));
  EXPECT_EQ(run->pages_.get(), 8u);
  EXPECT_EQ(run->ahead_.get(), 1u);
  ASSERT_TRUE(ledger_.shorten(run, 6, 0));
  EXPECT_EQ(run->ahead_.get(), 0u) << "it is not that which it took";
}

TEST_F(LedgerGrowthTest, WhoHasARunNextTookNoneOfItAhead) {
  Run* run = take(3);
  ASSERT_TRUE(ledger_.extend(run, 4, 2));
  give(run);
  EXPECT_EQ(take(6)->ahead_.get(), 0u);
}

TEST_F(LedgerGrowthTest, TakesNoPagesAheadThatTheOsDoesNotGive) {
  Run* run = take(3);
  memory_.largest_commit = 0;
  ASSERT_TRUE(ledger_.extend(run, kStepPages - 1, 9));
  EXPECT_GE(run->pages_.get(), kStepPages - 1);
  EXPECT_LE(run->pages_.get(), kStepPages);
}

// --- Where a block that will grow lies ------------------------------------------------------------

TEST_F(LedgerGrowthTest, GrowingRunBeginsTheLongestThatIsFree) {
  Run* fits = take(2);
  ASSERT_NE(take(1), nullptr);
  Run* longest = take(9);
  const std::uintptr_t page = longest->first_page_.get();
  ASSERT_NE(take(1), nullptr);
  give(fits);
  give(longest);
  EXPECT_EQ(take_growing(2)->first_page_.get(), page);
}

TEST_F(LedgerGrowthTest, GrowingRunBeginsADirtyOneWithCleanRoomBehind) {
  Run* dirty = take(2);
  const std::uintptr_t page = dirty->first_page_.get();
  Run* clean = take(7);
  ASSERT_NE(take(1), nullptr);
  give(dirty);
  give(clean, State::kClean);
  Run* run = take_growing(2);
  EXPECT_EQ(run->first_page_.get(), page);
  EXPECT_TRUE(ledger_.extend(run, 9));
}

TEST_F(LedgerGrowthTest, GrowingRunLeavesADirtyOneWithoutRoom) {
  Run* dirty = take(2);
  ASSERT_NE(take(1), nullptr);
  give(dirty);
  Run* run = take_growing(2);
  EXPECT_TRUE(ledger_.extend(run, 8)) << "clean pages are taken, not the two dirty ones";
  EXPECT_EQ(dirty_pages(), 2u);
}

TEST_F(LedgerGrowthTest, OthersTakeTheEndOfItsRoom) {
  Run* run = take_growing(2);
  Run* other = take(1);
  EXPECT_EQ(other->first_page_.get(), run->first_page_.get() + kStepPages - 1);
  Run* aligned = take(3, 4);
  EXPECT_EQ(aligned->first_page_.get() % 4, 0u);
  EXPECT_GT(aligned->first_page_.get(), run->first_page_.get() + kStepPages - 9);
  EXPECT_TRUE(ledger_.extend(run, kStepPages / 2));
}

TEST_F(LedgerGrowthTest, TwoThatGrowHaveHalfOfTheRoomEach) {
  Run* one = take_growing(2);
  Run* two = take_growing(2);
  EXPECT_TRUE(ledger_.extend(one, kStepPages / 4));
  EXPECT_TRUE(ledger_.extend(two, kStepPages / 4));
  EXPECT_TRUE(ledger_.extend(one, kStepPages / 2 - 2)) << "up to the other";
}

TEST_F(LedgerGrowthTest, GrowingRunTakesHalfOfAnothersRoomBeforeCleanPages) {
  Run* one = take(kStepPages);  // all that is committed
  give(one);
  one = take_growing(2);
  Run* two = take_growing(2);
  EXPECT_EQ(dirty_pages(), kStepPages - 4);
  EXPECT_TRUE(ledger_.extend(one, kStepPages / 4));
  EXPECT_TRUE(ledger_.extend(two, kStepPages / 4));
  EXPECT_EQ(clean_pages(), 0u);
}

TEST_F(LedgerGrowthTest, RunThatWasExtendedHasRoom) {
  Run* run = take(2);
  ASSERT_TRUE(ledger_.extend(run, 3));
  ASSERT_NE(take(1), nullptr);
  EXPECT_TRUE(ledger_.extend(run, 4));
}

TEST_F(LedgerGrowthTest, RunThatIsCutOffALongerOneHasRoom) {
  Run* run = take(kStepPages);
  ASSERT_TRUE(ledger_.shorten(run, 2, 0));
  ASSERT_NE(take(1), nullptr);
  EXPECT_TRUE(ledger_.extend(run, 4));
}

TEST_F(LedgerGrowthTest, NobodysRoomIsTakenFromItsBegin) {
  Run* run = take_growing(2);
  const std::uintptr_t behind = run->end_page();
  give(run, State::kDirty);
  EXPECT_EQ(page_of_next(3), behind) << "the run in front of it is free";
}

TEST_F(LedgerGrowthTest, WhatMergesWithARoomBelongsToIt) {
  give(take(kStepPages));
  Run* run = take_growing(2);
  Run* next = take(kStepPages - 4);  // all of its room but two pages
  ASSERT_TRUE(ledger_.shorten(next, 4, 0));
  give(next);  // what is free behind it is longer than what is before
  ASSERT_NE(take(1), nullptr);
  EXPECT_TRUE(ledger_.extend(run, 8)) << "the other one is at the end";
}

TEST_F(LedgerGrowthTest, GrowingRunIsTakenAsAnyOtherWhereThereIsNoRoom) {
  Run* run = take_growing(kStepPages);
  ASSERT_NE(run, nullptr) << "fresh from the arena";
  give(run);
  run = take_growing(kStepPages);
  ASSERT_NE(run, nullptr) << "just as long";
  EXPECT_EQ(committed_pages(), kStepPages);
}

TEST_F(LedgerGrowthTest, GrowingRunIsTakenAsAnyOtherWithoutARecordForItsRoom) {
  give(take(kStepPages));
  ASSERT_NE(take_growing(2), nullptr);
  FakeMetadata::takes_until_failure = 2;  // two are needed in the middle of a run
  ASSERT_NE(take_growing(2), nullptr);
  EXPECT_EQ(dirty_pages(), kStepPages - 4);
}

// --- Blocks that shrink ---------------------------------------------------------------------------

TEST_F(LedgerGrowthTest, ShortensAndFreesTheRest) {
  Run* run = take(10);
  ASSERT_NE(take(1), nullptr);
  ASSERT_TRUE(ledger_.shorten(run, 4, 0));
  EXPECT_EQ(run->pages_.get(), 4u);
  EXPECT_EQ(dirty_pages(), 6u);
  EXPECT_EQ(page_of_next(6), run->end_page());
}

TEST_F(LedgerGrowthTest, RestOfAShortenedRunMergesWithItsNeighbour) {
  Run* run = take_before_free(10, 5);
  ASSERT_TRUE(ledger_.shorten(run, 4, 0));
  EXPECT_EQ(page_of_next(11), run->end_page());
  EXPECT_EQ(run->pages_.get(), 4u);
}

TEST_F(LedgerGrowthTest, ShortensNothingWithoutARecord) {
  Run* run = take(10);
  FakeMetadata::takes_until_failure = 1;
  EXPECT_FALSE(ledger_.shorten(run, 4, 0));
  EXPECT_EQ(run->pages_.get(), 10u);
  EXPECT_EQ(dirty_pages(), 0u);
}

// --- Blocks apart ------------------------------------------------------------------------------

TEST_F(LedgerGrowthTest, BlockApartHasAPieceOfWholeSectors) {
  Run* run = take_apart(kSector + 1);
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(run->pages_.get(), 2 * kSector);
  EXPECT_EQ(run->state_.get(), State::kLarge);
  EXPECT_TRUE(run->is_apart_.get());
  EXPECT_EQ(map_.span_at(run->first_page_.get()), run);
  EXPECT_EQ(reserved_pages(), 2 * kSector);
  EXPECT_EQ(memory_.committed, 0u) << "its backing comes with its pages";
  EXPECT_EQ(clean_pages() + dirty_pages(), 0u) << "no run has a part of it";
}

TEST_F(LedgerGrowthTest, BlockApartDoesNotExtendIntoOthers) {
  Run* run = take_apart(kSector);
  ASSERT_NE(take(1), nullptr);
  EXPECT_FALSE(ledger_.extend(run, kSector + 1));
  EXPECT_EQ(run->pages_.get(), kSector);
}

TEST_F(LedgerGrowthTest, BlockApartExtendsIntoFreeAddressesByWholeSectors) {
  Run* run = take_apart(kSector);
  const std::size_t before = committed_pages();
  memory_.free_behind = 2 * kSector * kSmallPage;
  EXPECT_FALSE(ledger_.extend(run, 3 * kSector + 1)) << "so many are not free";
  ASSERT_TRUE(ledger_.extend(run, 2 * kSector + 1));
  EXPECT_EQ(run->pages_.get(), 3 * kSector);
  EXPECT_EQ(reserved_pages(), 3 * kSector);
  EXPECT_EQ(committed_pages(), before + 2 * kSector);
  EXPECT_EQ(memory_.committed, 2 * kSector * kSmallPage);
}

TEST_F(LedgerGrowthTest, BlockApartDoesNotExtendWithoutBackingOrPlacesInTheMap) {
  Run* run = take_apart(kSector);
  memory_.free_behind = SIZE_MAX;
  memory_.largest_commit = 0;
  EXPECT_FALSE(ledger_.extend(run, 2 * kSector));
  memory_.largest_commit = SIZE_MAX;
  EXPECT_FALSE(ledger_.extend(run, std::size_t{1} << 30));
  EXPECT_EQ(run->pages_.get(), kSector);
  EXPECT_EQ(reserved_pages(), kSector);
  EXPECT_EQ(memory_.reserved, kSector * kSmallPage) << "and the addresses are given back";
  EXPECT_TRUE(ledger_.extend(run, 2 * kSector));
}

TEST_F(LedgerGrowthTest, BlockApartShortensByWholeSectors) {
  Run* run = take_apart(4 * kSector);
  const std::uintptr_t page = run->first_page_.get();
  Pages rest = ledger_.shorten_apart(run, 2 * kSector - 1);
  EXPECT_EQ(rest.first, page + 2 * kSector);
  EXPECT_EQ(rest.count, 2 * kSector);
  EXPECT_EQ(run->pages_.get(), 2 * kSector);
  EXPECT_EQ(reserved_pages(), 2 * kSector);
  rest = ledger_.shorten_apart(run, kSector + 1);
  EXPECT_EQ(rest.count, 0u) << "no whole sector";
}

TEST_F(LedgerGrowthTest, ForgottenBlockApartLeavesNothing) {
  Run* run = take_apart(4 * kSector);
  const std::uintptr_t page = run->first_page_.get();
  forget(run);
  EXPECT_EQ(map_.span_at(page), nullptr);
  EXPECT_EQ(reserved_pages(), 0u);
  EXPECT_EQ(committed_pages(), 0u);
  EXPECT_EQ(FakeMetadata::outstanding, 0u);
}

TEST_F(LedgerGrowthTest, NoBlockApartWithoutARecordOrAddresses) {
  FakeMetadata::takes_until_failure = 1;
  EXPECT_EQ(take_apart(kSector), nullptr);
  EXPECT_EQ(memory_.reserved, 0u);
  memory_.largest_reserve = 0;
  EXPECT_EQ(take_apart(kSector), nullptr);
  EXPECT_EQ(FakeMetadata::outstanding, 0u);
}

}  // namespace
}  // namespace ralloc
