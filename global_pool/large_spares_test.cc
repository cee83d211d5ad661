// Large blocks that a shard keeps: of lengths that its threads free and take again.
#include <gtest/gtest.h>

#include "tests/support/global_pool_bed.h"
#include "tests/support/process.h"

namespace ralloc {
namespace {

using ralloc_test::kSmallPage;
using ralloc_test::kTwoBlocks;
using ralloc_test::SmallLimits;

struct LargeSpareConfig : SmallLimits::Config {
  static constexpr std::size_t large_spare_bytes(unsigned) { return 80 * kSmallPage; }
};
struct LargeSpareLimits : SmallLimits {
  using Config = LargeSpareConfig;
};
constexpr std::size_t kMostKept = LargeSpareConfig::kLargeKeptMost / kSmallPage;  // by a thread
constexpr std::size_t kPages = kMostKept + 1;
constexpr std::size_t kOtherPages = kMostKept + 2;
constexpr std::size_t kLongest = 40;
static_assert(kOtherPages < kLongest);

class LargeSparesTest : public ralloc_test::GlobalPoolBedOf<LargeSpareLimits> {
 protected:
  ~LargeSparesTest() override {
    pool_.give_up_spares(true);
    EXPECT_EQ(pages_kept(), 0u);
  }
  std::size_t pages_kept() { return pool_.counts().shards.large_bytes / kSmallPage; }
  Span* take_large(std::size_t pages, std::uint32_t shard = 0) {
    Span* const span = pool_.take_large_spare(shard, pages, 1, false);
    return span != nullptr ? span : pool_.take_large(pages, 1);
  }
  void free_large(Span* span, std::uint32_t shard = 0) {
    if (!pool_.leave_large(span, shard)) pool_.free_large(span);
  }
  void* take_and_free(std::size_t pages, std::uint32_t shard = 0) {
    Span* const span = take_large(pages, shard);
    void* const begin = span->begin();
    free_large(span, shard);
    return begin;
  }
  void make_wanted(std::size_t pages, std::uint32_t shard = 0) {
    for (int i = 0; i < 2; ++i) take_and_free(pages, shard);
  }
  bool is_block(const void* p) {
    Span* const span = pool_.large_at(p);
    return span != nullptr && is_live(key_of(p)) && !span->is_aside();
  }
};

TEST_F(LargeSparesTest, StaysOnceItsLengthIsAskedForAgain) {
  void* const begin = take_and_free(kPages);
  EXPECT_EQ(pages_kept(), 0u) << "what is freed once goes to the ledger";
  EXPECT_EQ(dirty_pages(), kPages);
  take_and_free(kPages);
  EXPECT_EQ(pages_kept(), kPages);
  EXPECT_EQ(dirty_pages(), 0u);
  EXPECT_FALSE(is_block(begin)) << "who frees it again is told";
  Span* const again = take_large(kPages);
  EXPECT_EQ(again->begin(), begin);
  EXPECT_TRUE(is_block(begin));
  EXPECT_FALSE(again->was_clean_.get()) << "it holds what it held";
  EXPECT_EQ(pages_kept(), 0u);
  free_large(again);
}

TEST_F(LargeSparesTest, WhoFreesOnlyLeavesNothing) {
  for (int i = 0; i < 10; ++i) free_large(take_large(kPages, 0), 1);
  EXPECT_EQ(pages_kept(), 0u);
}

TEST_F(LargeSparesTest, ServesItsOwnShardAndLengthAlone) {
  make_wanted(kPages);
  EXPECT_EQ(pool_.take_large_spare(1, kPages, 1, false), nullptr);
  EXPECT_EQ(pages_kept(), kPages);
  EXPECT_EQ(pool_.take_large_spare(0, kMostKept, 1, false), nullptr) << "no shard has such";
  EXPECT_EQ(pages_kept(), kPages);
}

TEST_F(LargeSparesTest, GivesWayToWhatDoesNotFit) {
  make_wanted(kOtherPages);
  EXPECT_EQ(pages_kept(), kOtherPages);
  Span* const shorter = take_large(kPages);
  EXPECT_EQ(pages_kept(), 0u);
  EXPECT_EQ(dirty_pages(), kOtherPages - kPages) << "its pages are used again";
  free_large(shorter);
  make_wanted(kPages);
  EXPECT_EQ(pages_kept(), kPages);
  EXPECT_EQ(pool_.take_large_spare(0, kPages, 1, true), nullptr) << "who will grow needs room";
  EXPECT_EQ(pages_kept(), 0u);
  make_wanted(kPages);
  EXPECT_EQ(pool_.take_large_spare(0, 1000 * kLongest, 1, false), nullptr) << "no shard has such";
  EXPECT_EQ(pages_kept(), 0u);
}

TEST_F(LargeSparesTest, IsAligned) {
  Span* const aligned = pool_.take_large(kPages, 8);
  Span* const odd = pool_.take_large(kPages, 1);
  ASSERT_NE(odd->first_page_.get() % 8, 0u);
  take_and_free(kPages);
  for (int i = 0; i < 2; ++i) free_large(take_large(kPages));
  pool_.give_up_spares(true);
  EXPECT_EQ(pool_.take_large_spare(0, kPages, 1, false), nullptr);  // both are asked for
  EXPECT_EQ(pool_.take_large_spare(0, kPages, 1, false), nullptr);
  free_large(aligned);
  free_large(odd);
  EXPECT_EQ(pages_kept(), 2 * kPages);
  EXPECT_EQ(pool_.take_large_spare(0, kPages, 8, false), aligned);
  EXPECT_EQ(pool_.take_large_spare(0, kPages, 8, false), nullptr);
  pool_.free_large(aligned);
}

TEST_F(LargeSparesTest, IsUsedBeforeTheArenaGrows) {
  make_wanted(kPages);
  ASSERT_NE(pool_.take_large(clean_pages(), 1), nullptr);
  EXPECT_EQ(pages_kept(), kPages);
  const std::size_t committed = pool_.counts().ledger.committed_bytes;
  ASSERT_EQ(take(0, kTwoBlocks, 1).size(), 1u);
  EXPECT_EQ(pages_kept(), 0u);
  EXPECT_EQ(dirty_pages(), kPages - 1);
  EXPECT_EQ(pool_.counts().ledger.committed_bytes, committed);
}

TEST_F(LargeSparesTest, NoMoreStayThanWereAskedFor) {
  make_wanted(kPages);
  Span* const others = pool_.take_large(kPages, 1);
  take_and_free(kPages);
  free_large(others);
  EXPECT_EQ(pages_kept(), kPages) << "as where one thread makes what another frees";
}

TEST_F(LargeSparesTest, LastComesFirst) {
  make_wanted(kPages);
  Span* const one = take_large(kPages);
  Span* const other = take_large(kPages);
  free_large(one);
  free_large(other);
  EXPECT_EQ(pages_kept(), 2 * kPages);
  EXPECT_EQ(take_large(kPages), other);
  EXPECT_EQ(take_large(kPages), one);
  free_large(one);
  free_large(other);
}

TEST_F(LargeSparesTest, NoMoreThanThereIsRoomFor) {
  make_wanted(kLongest);
  Span* spans[3];
  for (Span*& span : spans) span = take_large(kLongest);
  for (Span* span : spans) {
    free_large(span);
    EXPECT_LE(pages_kept(), 2 * kLongest);
  }
  EXPECT_EQ(pages_kept(), 2 * kLongest);
  EXPECT_EQ(pool_.take_large_spare(0, kLongest, 1, false), spans[2]);
  EXPECT_EQ(pool_.take_large_spare(0, kLongest, 1, false), spans[1]) << "the oldest has left";
  for (Span* span : {spans[1], spans[2]}) pool_.free_large(span);
}

TEST_F(LargeSparesTest, ThoseThatAreTooLongOrShortDoNotStay) {
  for (std::size_t pages : {kMostKept, kLongest + 1}) {
    Span* const span = pool_.take_large(pages, 1);
    EXPECT_FALSE(pool_.leave_large(span, 0));
    EXPECT_TRUE(is_block(span->begin()));
    pool_.free_large(span);
  }
}

TEST_F(LargeSparesTest, RemembersFourLengths) {
  Span* spans[5];
  const auto take_all = [&] {
    for (std::size_t i = 0; i < 5; ++i) spans[i] = take_large(kPages + i);
  };
  take_all();
  for (Span* span : spans) free_large(span);
  EXPECT_EQ(pages_kept(), 0u);
  take_all();
  for (std::size_t i = 1; i < 5; ++i) free_large(spans[i]);
  EXPECT_EQ(pages_kept(), 4 * kPages + 10);
  free_large(spans[0]);
  EXPECT_EQ(pages_kept(), 4 * kPages + 10) << "four others were freed since";
}

TEST_F(LargeSparesTest, LengthHasNoDemandOfTheOneWhosePlaceItTakes) {
  for (std::size_t i = 0; i < 4; ++i) take_and_free(kPages + i);
  Span* const asked_for = take_large(kPages);
  Span* const others[] = {pool_.take_large(kPages + 4, 1), pool_.take_large(kPages + 4, 1)};
  for (Span* span : others) free_large(span);
  EXPECT_EQ(pages_kept(), 0u);
  pool_.free_large(asked_for);
}

TEST_F(LargeSparesTest, LeavesAfterTwoLooks) {
  make_wanted(kPages);
  pool_.give_up_spares(false);
  EXPECT_EQ(pages_kept(), kPages);
  take_and_free(kPages);
  pool_.give_up_spares(false);
  EXPECT_EQ(pages_kept(), kPages) << "it was used meanwhile";
  pool_.give_up_spares(false);
  EXPECT_EQ(pages_kept(), 0u);
  EXPECT_EQ(dirty_pages(), kPages);
  free_large(pool_.take_large(kPages, 1));
  EXPECT_EQ(pages_kept(), 0u) << "nobody asks for its length any more";
}

TEST_F(LargeSparesTest, TrimGivesAllBack) {
  make_wanted(kPages);
  pool_.trim();
  EXPECT_EQ(pages_kept(), 0u);
  EXPECT_EQ(dirty_pages(), 0u);
}

TEST_F(LargeSparesTest, ComeHomeForWantOfMemory) {
  make_wanted(kPages);
  ASSERT_EQ(pages_kept(), kPages);
  memory_.largest_commit = 0;
  ASSERT_NE(pool_.take_large(clean_pages(), 1), nullptr);
  EXPECT_NE(pool_.take_large(1, 1), nullptr) << "of the only pages that are left";
  EXPECT_EQ(pages_kept(), 0u);
}

TEST_F(LargeSparesTest, NoneWhereDirtyMemoryIsLimited) {
  memory_.dirty_bytes = kMiB;
  Span* const span = pool_.take_large(kPages, 1);
  EXPECT_FALSE(pool_.leave_large(span, 0));
  pool_.free_large(span);
}

TEST_F(LargeSparesTest, NoneWithAMappingOfItsOwn) {
  Span* const span = pool_.take_apart(kPages);
  ASSERT_NE(span, nullptr);
  ASSERT_LE(span->pages_.get(), kLongest);
  EXPECT_FALSE(pool_.leave_large(span, 0));
  pool_.free_large(span);
}

}  // namespace
}  // namespace ralloc
