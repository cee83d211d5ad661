// Large blocks that were freed stay accessible for a while, as zeros, and are used again.
#include <gtest/gtest.h>

#include "global_pool/global_pool.h"
#include "tests/support/guarded_limits.h"

namespace ralloc {
namespace {

using ralloc_test::FakeMemory;
using ralloc_test::kSmallPage;

class GuardedOpenTest : public ralloc_test::SmallPoolTest {
 protected:
  using Limits = ralloc_test::OpenLimits;
  using Pool = GlobalPool<StdSync, Limits>;
  using Span = Pool::Span;
  static constexpr std::size_t kSectorBytes = Limits::kSectorPages * kSmallPage;

  GuardedOpenTest() {
    Limits::written = nullptr;
    Limits::zeroed = 0;
  }
  ~GuardedOpenTest() override { EXPECT_TRUE(pool_.is_valid()); }

  Span* take(std::size_t bytes = kSmallPage) {
    Span* const span = pool_.take_guarded(bytes, 1);
    if (span == nullptr) throw std::bad_alloc();
    return span;
  }
  // Of so many bytes each, freed in this order; none is one of those before. The begins.
  template <std::size_t N>
  void take_and_give(const std::size_t (&bytes)[N], char* (&begins)[N]) {
    Span* blocks[N];
    for (std::size_t i = 0; i < N; ++i) {
      blocks[i] = take(bytes[i]);
      begins[i] = blocks[i]->begin();
    }
    for (Span* span : blocks) pool_.give_large(span, SpanState::kDirty);
  }

  const std::size_t os_page_ = FakeMemory::granule();
  Pool::Shards shards_{};
  Pool pool_{shards_};
};

TEST_F(GuardedOpenTest, FreedItIsZerosAndStaysAccessible) {
  Span* span = take();
  char* const begin = span->begin();
  EXPECT_EQ(pool_.counts().ledger.committed_bytes, kSmallPage) << "what is accessible";
  EXPECT_EQ(pool_.counts().ledger.dirty_bytes, 0u);
  pool_.give_large(span, SpanState::kDirty);
  EXPECT_EQ(Limits::zeroed, kSmallPage);
  EXPECT_TRUE(FakeMemory::is_open(begin + kSmallPage - 1));
  EXPECT_TRUE(pool_.map().was_freed(begin));
  EXPECT_EQ(pool_.whole_large(begin, kSmallPage), nullptr);
  EXPECT_EQ(pool_.counts().ledger.committed_bytes, kSmallPage);
  EXPECT_EQ(pool_.counts().ledger.dirty_bytes, kSmallPage);
}

TEST_F(GuardedOpenTest, ALargerOneIsClosedAtOnce) {
  Span* span = take(kSmallPage + 1);
  char* const begin = span->begin();
  pool_.give_large(span, SpanState::kDirty);
  EXPECT_FALSE(FakeMemory::is_open(begin));
  EXPECT_EQ(Limits::zeroed, 0u);
  EXPECT_EQ(pool_.counts().ledger.committed_bytes, 0u);
}

TEST_F(GuardedOpenTest, IsUsedAgainWhenHalfOfWhatMayWaitWasFreedAfterIt) {
  char* begins[3];
  take_and_give({kSmallPage, kSmallPage, kSmallPage / 2}, begins);
  EXPECT_NE(take()->begin(), begins[0]) << "too early";
  pool_.give_large(take(kSmallPage / 2), SpanState::kDirty);
  const std::size_t committed = memory_.committed;
  Span* span = take();
  EXPECT_EQ(span->begin(), begins[0]);
  EXPECT_EQ(pool_.large_at(begins[0]), span);
  EXPECT_EQ(memory_.committed, committed) << "without a system call";
}

TEST_F(GuardedOpenTest, OneOfTheSameLengthIsPreferred) {
  char* begins[4];
  take_and_give({kSmallPage / 2, kSmallPage, kSmallPage, kSmallPage}, begins);
  EXPECT_EQ(take()->begin(), begins[1]);
}

TEST_F(GuardedOpenTest, JustTheOsPagesThatAreWantedAreAccessible) {
  char* begins[3];
  take_and_give({kSmallPage / 2, kSmallPage, kSmallPage}, begins);
  Span* span = take();
  ASSERT_EQ(span->begin(), begins[0]);
  EXPECT_TRUE(FakeMemory::is_open(begins[0] + kSmallPage - 1));
  EXPECT_FALSE(FakeMemory::is_open(begins[0] + kSmallPage));
  pool_.give_large(span, SpanState::kDirty);
  span = take(1);
  ASSERT_EQ(span->begin(), begins[1]);
  EXPECT_TRUE(FakeMemory::is_open(begins[1]));
  EXPECT_FALSE(FakeMemory::is_open(begins[1] + os_page_));
  EXPECT_EQ(pool_.counts().ledger.committed_bytes, 2 * kSmallPage + os_page_);
}

TEST_F(GuardedOpenTest, BeyondWhatMayStayOpenTheOldestIsClosed) {
  char* begins[6];
  take_and_give({kSmallPage, kSmallPage, kSmallPage, kSmallPage, kSmallPage, 1}, begins);
  EXPECT_FALSE(FakeMemory::is_open(begins[0]) || FakeMemory::is_open(begins[1]));
  EXPECT_TRUE(FakeMemory::is_open(begins[2]) && FakeMemory::is_open(begins[5]));
  EXPECT_TRUE(pool_.map().was_freed(begins[0])) << "it goes on to wait";
  EXPECT_EQ(pool_.counts().ledger.dirty_bytes, 3 * kSmallPage + os_page_);
}

TEST_F(GuardedOpenTest, TrimReleasesWhatWaits) {
  char* begins[2];
  take_and_give({kSmallPage, kSmallPage + 1}, begins);
  EXPECT_EQ(pool_.trim(), kSmallPage) << "had backing";
  EXPECT_EQ(memory_.reserved, 0u);
  EXPECT_EQ(pool_.counts().ledger.committed_bytes, 0u);
  EXPECT_EQ(pool_.counts().ledger.dirty_bytes, 0u);
}

TEST_F(GuardedOpenTest, WhatWaitsForAWhileIsClosed) {
  char* begins[2];
  take_and_give({kSmallPage, kSmallPage}, begins);
  memory_.now_ms = Limits::decay_ms() / 2 + 1;
  pool_.give_large(take(), SpanState::kDirty);
  pool_.decay(Limits::decay_ms() + 1);
  EXPECT_FALSE(FakeMemory::is_open(begins[0]) || FakeMemory::is_open(begins[1]));
  EXPECT_EQ(pool_.counts().ledger.dirty_bytes, kSmallPage) << "the last one waits open";
}

TEST_F(GuardedOpenTest, WhatCannotBeMadeToFitIsReleased) {
  char* begins[3];
  take_and_give({kSmallPage, kSmallPage, kSmallPage}, begins);
  memory_.refuse_closes = true;
  EXPECT_EQ(pool_.take_guarded(1, 1), nullptr);
  EXPECT_EQ(memory_.reserved, 2 * kSectorBytes);
  memory_.refuse_closes = false;
  EXPECT_NE(take(1), nullptr);
}

TEST_F(GuardedOpenTest, AWriteAfterFreeIsFoundWhenItIsUsedAgain) {
  char* begins[3];
  take_and_give({kSmallPage, kSmallPage, kSmallPage}, begins);
  Limits::written = begins[0];
  EXPECT_DEATH((void)take(), "write after free of");
}

TEST_F(GuardedOpenTest, AWriteAfterFreeIsFoundWhenItIsClosedOrReleased) {
  char* begins[4];
  take_and_give({kSmallPage, kSmallPage, kSmallPage, kSmallPage}, begins);
  Limits::written = begins[0];
  EXPECT_DEATH(pool_.trim(), "write after free of");
  Span* span = pool_.take_guarded(kSmallPage / 2 + kSectorBytes, 1);
  ASSERT_NE(span, nullptr);
  ASSERT_TRUE(pool_.resize_guarded(span, kSmallPage));
  EXPECT_DEATH(pool_.give_large(span, SpanState::kDirty), "write after free of");
}

}  // namespace
}  // namespace ralloc
