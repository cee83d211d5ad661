// Large blocks lie between inaccessible pages, and stay inaccessible for a while when freed.
#include <gtest/gtest.h>

#include "global_pool/global_pool.h"
#include "tests/support/guarded_limits.h"

namespace ralloc {
namespace {

using ralloc_test::FakeMemory;
using ralloc_test::FakeMetadata;
using ralloc_test::GuardDefences;
using ralloc_test::kSmallPage;

class GuardedTest : public ralloc_test::SmallPoolTest {
 protected:
  using Limits = ralloc_test::GuardLimits;
  using Pool = GlobalPool<StdSync, Limits>;
  using Span = Pool::Span;
  static constexpr std::size_t kSectorBytes = Limits::kSectorPages * kSmallPage;
  static constexpr std::size_t kSize = kSmallPage + 100;

  ~GuardedTest() override { EXPECT_TRUE(pool_.is_valid()); }

  const std::size_t os_page_ = FakeMemory::granule();
  std::size_t in_os_pages(std::size_t bytes) const {
    return (bytes + os_page_ - 1) / os_page_ * os_page_;
  }
  // Just the OS pages of the first `bytes` bytes are accessible, and all else around is not.
  bool is_open(Span* span, std::size_t bytes) const {
    const char* const begin = span->begin();
    const std::size_t open = in_os_pages(bytes);
    return !FakeMemory::is_open(begin - kSmallPage) && !FakeMemory::is_open(begin - 1) &&
           FakeMemory::is_open(begin) && FakeMemory::is_open(begin + open - 1) &&
           !FakeMemory::is_open(begin + open) && !FakeMemory::is_open(begin + span->bytes() - 1);
  }
  Span* take(std::size_t bytes = kSize, std::size_t align = 1) {
    Span* const span = pool_.take_guarded(bytes, align);
    if (span == nullptr) throw std::bad_alloc();
    return span;
  }

  Pool::Shards shards_{};
  Pool pool_{shards_};
};

TEST_F(GuardedTest, JustItsOsPagesAreAccessible) {
  for (const std::size_t bytes : {std::size_t{1}, os_page_, kSmallPage - 1, 15 * kSmallPage}) {
    Span* span = take(bytes);
    EXPECT_TRUE(is_open(span, bytes)) << bytes;
    EXPECT_GE(span->bytes(), in_os_pages(bytes) + os_page_);
    EXPECT_EQ(pool_.large_at(span->begin()), span);
    EXPECT_TRUE(span->is_apart_.get() && span->was_clean_.get());
    EXPECT_TRUE(pool_.map().span_at(span->first_page_.get() - 1) == nullptr);
    EXPECT_EQ(pool_.whole_large(span->begin(), bytes), span);
    pool_.give_large(span, SpanState::kDirty);
  }
}

TEST_F(GuardedTest, ItHasRoomToGrow) {
  Span* span = take(64 * kSectorBytes);
  EXPECT_GE(span->bytes(), 64 * kSectorBytes + Limits::Config::room_to_grow(64 * kSectorBytes));
}

TEST_F(GuardedTest, ItIsAlignedBehindItsGuard) {
  for (const std::size_t align : {2, 16, 64}) {
    Span* span = take(kSize, align);
    EXPECT_EQ(span->first_page_.get() % align, 0u);
    EXPECT_TRUE(is_open(span, kSize));
    pool_.give_large(span, SpanState::kDirty);
  }
  EXPECT_EQ(pool_.take_guarded(kSize, std::size_t{1} << 16), nullptr) << "an ordinary block serves";
}

TEST_F(GuardedTest, GrowsAndShrinksByOsPagesWhereItIs) {
  Span* span = take();
  const std::size_t reserved = memory_.reserved;
  for (const std::size_t bytes : {kSize + os_page_, 2 * kSmallPage, kSize, std::size_t{1}}) {
    ASSERT_TRUE(pool_.resize_guarded(span, bytes));
    EXPECT_TRUE(is_open(span, bytes)) << bytes;
  }
  ASSERT_TRUE(pool_.resize_guarded(span, span->bytes() - os_page_));
  EXPECT_FALSE(pool_.resize_guarded(span, span->bytes() - os_page_ + 1)) << "the guard stays";
  EXPECT_TRUE(is_open(span, span->bytes() - os_page_));
  EXPECT_EQ(memory_.reserved, reserved);
}

TEST_F(GuardedTest, GrowsIntoFreeAddresses) {
  Span* span = take();
  span->slack_.set(span->bytes() - kSize);
  memory_.free_behind = 2 * kSectorBytes;
  const std::size_t bytes = span->bytes() + kSectorBytes;
  ASSERT_TRUE(pool_.resize_guarded(span, bytes));
  EXPECT_TRUE(is_open(span, bytes));
  EXPECT_EQ(span->end() - span->slack_.get(), std::uintptr_t(span->begin()) + kSize)
      << "of what it has more nothing was asked for";
  EXPECT_EQ(pool_.counts().ledger.reserved_bytes, memory_.reserved);
  pool_.give_large(span, SpanState::kDirty);
  pool_.release_quarantined();
  EXPECT_EQ(memory_.reserved, 0u);
}

TEST_F(GuardedTest, StaysAsItIsWhereTheOsRefuses) {
  Span* span = take();
  memory_.largest_commit = memory_.largest_reserve = 0;
  memory_.refuse_closes = true;
  EXPECT_FALSE(pool_.resize_guarded(span, kSize + os_page_));
  EXPECT_FALSE(pool_.resize_guarded(span, 1));
  EXPECT_FALSE(pool_.resize_guarded(span, std::size_t{1} << 60));
  EXPECT_TRUE(is_open(span, kSize));
}

// --- Freed ---------------------------------------------------------------------------------------

TEST_F(GuardedTest, FreedItIsInaccessibleAndItsAddressesWait) {
  Span* span = take();
  char* const begin = span->begin();
  pool_.give_large(span, SpanState::kDirty);
  EXPECT_FALSE(FakeMemory::is_open(begin));
  EXPECT_EQ(memory_.reserved, kSectorBytes);
  EXPECT_FALSE(is_live(pool_.map().key_of(begin)));
  EXPECT_TRUE(pool_.map().was_freed(begin));
  EXPECT_FALSE(pool_.map().was_freed(begin + kSmallPage));
  EXPECT_FALSE(pool_.map().was_freed(nullptr));
  EXPECT_EQ(pool_.whole_large(begin, kSize), nullptr);
}

TEST_F(GuardedTest, EveryWayOfFreeingIt) {
  Span* blocks[3];
  for (Span*& span : blocks) span = take();
  char* const begins[] = {blocks[0]->begin(), blocks[1]->begin(), blocks[2]->begin()};
  pool_.give_large(blocks[0], SpanState::kDirty);
  pool_.give_large(blocks[1], SpanState::kDirty);
  ASSERT_TRUE(pool_.give_large_part(begins[2], kSize, true)) << "all that was asked for";
  for (char* begin : begins) EXPECT_TRUE(pool_.map().was_freed(begin));
  EXPECT_EQ(memory_.reserved, 3 * kSectorBytes);
  pool_.release_quarantined();
  EXPECT_EQ(memory_.reserved, 0u);
}

TEST_F(GuardedTest, TheOldestLeavesTheQuarantineFirst) {
  Span* blocks[3];
  for (Span*& span : blocks) span = take();
  const std::uintptr_t first = memory_.lowest + 2 * kSectorBytes;
  for (Span* span : blocks) pool_.give_large(span, SpanState::kDirty);
  pool_.give_large(take(kSectorBytes), SpanState::kDirty);
  EXPECT_EQ(memory_.reserved, GuardDefences::kLargeQuarantineBytes);
  EXPECT_EQ(pool_.counts().ledger.reserved_bytes, memory_.reserved);
  memory_.next.push_back(first);
  Span* again = take(kSectorBytes);
  EXPECT_EQ(std::uintptr_t(again->begin()), first + kSmallPage) << "its addresses were free";
  EXPECT_FALSE(pool_.map().was_freed(again->begin()));
  EXPECT_EQ(pool_.large_at(again->begin()), again);
}

TEST_F(GuardedTest, AddressesAreUsedAgainWhenHalfOfTheQuarantineWasFreedAfterThem) {
  char* begins[3];
  for (char*& begin : begins) {
    Span* span = take();
    begin = span->begin();
    pool_.give_large(span, SpanState::kDirty);
  }
  EXPECT_EQ(memory_.reserved, 3 * kSectorBytes) << "none was used again";
  Span* again = take(kSmallPage);
  EXPECT_EQ(again->begin(), begins[0]);
  EXPECT_TRUE(is_open(again, kSmallPage));
  EXPECT_EQ(pool_.large_at(begins[0]), again);
  EXPECT_FALSE(pool_.map().was_freed(begins[0]));
  EXPECT_EQ(pool_.whole_large(begins[0], kSmallPage), again);
  EXPECT_EQ(memory_.reserved, 3 * kSectorBytes);
}

TEST_F(GuardedTest, OnlyAddressesThatFitAreUsedAgain) {
  for (std::size_t i = 0; i < 3; ++i) pool_.give_large(take(), SpanState::kDirty);
  const std::size_t reserved = memory_.reserved;
  EXPECT_NE(take(kSectorBytes), nullptr);
  EXPECT_EQ(memory_.reserved, reserved + 2 * kSectorBytes) << "too short";
  EXPECT_EQ(take(kSmallPage, 8)->first_page_.get() % 8, 0u);
  EXPECT_EQ(memory_.reserved, reserved + 3 * kSectorBytes) << "at the wrong place";
  for (std::size_t i = 0; i < 2; ++i) pool_.give_large(take(3 * kSectorBytes), SpanState::kDirty);
}

TEST_F(GuardedTest, WhatWasFreedIsForgottenWhereOthersAre) {
  Span* span = take(3 * kSmallPage);
  char* const begin = span->begin();
  const std::uintptr_t sector = memory_.lowest;
  pool_.give_large(span, SpanState::kDirty);
  pool_.release_quarantined();
  ASSERT_TRUE(pool_.map().was_freed(begin)) << "nobody is there yet";
  memory_.next.push_back(sector);
  ASSERT_NE(take(kSmallPage, 2), nullptr);
  EXPECT_FALSE(pool_.map().was_freed(begin)) << "its first page lies before another block";
}

TEST_F(GuardedTest, TooLongForTheQuarantineItIsReleasedAtOnce) {
  pool_.give_large(take(GuardDefences::kLargeQuarantineBytes), SpanState::kDirty);
  EXPECT_EQ(memory_.reserved, 0u);
}

TEST_F(GuardedTest, ReturnsItsBackingWhereItCannotBeClosed) {
  Span* span = take();
  memory_.refuse_closes = true;
  pool_.give_large(span, SpanState::kDirty);
  EXPECT_EQ(memory_.purged, in_os_pages(kSize));
}

TEST_F(GuardedTest, TrimEmptiesTheQuarantine) {
  pool_.give_large(take(), SpanState::kDirty);
  pool_.trim();
  EXPECT_EQ(memory_.reserved, 0u);
}

// --- In want -------------------------------------------------------------------------------------

TEST_F(GuardedTest, NoMoreThanTheMostLiveAtATime) {
  Span* blocks[GuardDefences::kGuardedMost];
  for (Span*& span : blocks) span = take();
  EXPECT_EQ(pool_.take_guarded(kSize, 1), nullptr);
  Span* ordinary = pool_.take_large(2, 1);
  EXPECT_FALSE(ordinary->is_guarded());
  pool_.give_large(blocks[0], SpanState::kDirty);
  blocks[0] = take();
  pool_.lose_large(blocks[1]);
  blocks[1] = take();
  ASSERT_TRUE(pool_.give_large_part(blocks[2]->begin(), 100, true));
  blocks[2] = take();
  EXPECT_EQ(pool_.take_guarded(kSize, 1), nullptr);
}

TEST_F(GuardedTest, NoneWithoutARecordAddressesOrBacking) {
  pool_.give_large(take(), SpanState::kDirty);
  pool_.release_quarantined();
  const std::size_t records = FakeMetadata::outstanding;
  FakeMetadata::takes_until_failure = 1;
  EXPECT_EQ(pool_.take_guarded(kSize, 1), nullptr);
  memory_.largest_reserve = 0;
  EXPECT_EQ(pool_.take_guarded(kSize, 1), nullptr);
  memory_.largest_reserve = SIZE_MAX;
  memory_.largest_commit = 0;
  EXPECT_EQ(pool_.take_guarded(kSize, 1), nullptr);
  EXPECT_EQ(pool_.take_guarded(std::size_t{1} << 46, 1), nullptr);
  EXPECT_EQ(memory_.reserved, 0u);
  EXPECT_EQ(FakeMetadata::outstanding, records);
  memory_.largest_commit = SIZE_MAX;
  EXPECT_NE(pool_.take_guarded(kSize, 1), nullptr);
}

TEST_F(GuardedTest, ALimitOnAddressesIsHeededAtOnce) {
  pool_.give_large(take(), SpanState::kDirty);
  memory_.address_limit = 2 * kSectorBytes;
  EXPECT_EQ(pool_.take_guarded(kSize, 1), nullptr);
}

TEST_F(GuardedTest, OfALimitOnAddressesItLeavesMostToOthers) {
  memory_.address_limit = 8 * kSectorBytes;
  Span* span = take();
  Span* second = pool_.take_guarded(kSize, 1);
  EXPECT_NE(second, nullptr);
  EXPECT_EQ(pool_.take_guarded(kSize, 1), nullptr);
  pool_.give_large(span, SpanState::kDirty);
  EXPECT_EQ(memory_.reserved, kSectorBytes) << "there is no quarantine";
}

// --- Parts ---------------------------------------------------------------------------------------

TEST_F(GuardedTest, FallsIntoPartsLikeAnyOther) {
  Span* span = take(5 * kSmallPage);
  char* const begin = span->begin();
  span->slack_.set(span->bytes() - 5 * kSmallPage);
  ASSERT_TRUE(pool_.give_large_part(begin + kSmallPage, 2 * kSmallPage, true));
  EXPECT_FALSE(span->is_guarded() || span->is_apart_.get());
  EXPECT_TRUE(FakeMemory::is_open(begin - kSmallPage)) << "what is free may be taken by any";
  EXPECT_TRUE(FakeMemory::is_open(begin + span->bytes() - 1));
  ASSERT_TRUE(pool_.give_large_part(begin, kSmallPage, true));
  ASSERT_TRUE(pool_.give_large_part(begin + 3 * kSmallPage, 2 * kSmallPage, true));
  const auto counts = pool_.counts().ledger;
  EXPECT_EQ(counts.clean_bytes + counts.dirty_bytes, kSectorBytes) << "with its guard";
  EXPECT_EQ(counts.committed_bytes, kSectorBytes) << "no more than that";
  EXPECT_NE(pool_.take_large(3, 1), nullptr);
  EXPECT_EQ(memory_.reserved, kSectorBytes) << "taken of what it was";
}

TEST_F(GuardedTest, StaysWholeWithoutARecordOrBackingForItsGuard) {
  Span* span = take(5 * kSmallPage);
  FakeMetadata::takes_until_failure = 1;
  EXPECT_FALSE(pool_.give_large_part(span->begin(), kSmallPage, true));
  memory_.largest_commit = 0;
  EXPECT_FALSE(pool_.give_large_part(span->begin(), kSmallPage, true));
  EXPECT_TRUE(is_open(span, 5 * kSmallPage));
  EXPECT_EQ(pool_.whole_large(span->begin(), 5 * kSmallPage), span);
}

TEST_F(GuardedTest, APartDoesNotGrowIntoWhatIsInaccessible) {
  Span* span = take(5 * kSmallPage);
  span->slack_.set(span->bytes() - 5 * kSmallPage);
  EXPECT_EQ(pool_.extend_large_part(span->begin(), 5 * kSmallPage, 5 * kSmallPage, 6 * kSmallPage),
            5 * kSmallPage);
  EXPECT_EQ(pool_.extend_large_part(span->begin(), 5 * kSmallPage, 6 * kSmallPage, 6 * kSmallPage),
            0u);
}

}  // namespace
}  // namespace ralloc
