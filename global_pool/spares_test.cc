// Wholly free spans that their shards keep: the last of each class, up to so many bytes.
#include <gtest/gtest.h>

#include "tests/support/child.h"
#include "tests/support/global_pool_bed.h"
#include "tests/support/process.h"

namespace ralloc {
namespace {

using ralloc_test::Blocks;
using ralloc_test::kLongSpans;
using ralloc_test::kManyBlocks;
using ralloc_test::kSmallPage;
using ralloc_test::kTwoBlocks;
using ralloc_test::SmallLimits;

constexpr unsigned kOthers = 0;  // a page, as those of kTwoBlocks and kManyBlocks

struct SpareConfig : SmallLimits::Config {
  static constexpr std::size_t kSpareBytes = 4 * kSmallPage;
};
struct SpareLimits : SmallLimits {
  using Config = SpareConfig;
};

class SparesTest : public ralloc_test::GlobalPoolBedOf<SpareLimits> {
 protected:
  std::size_t pages_in_spans() { return pool_.counts().shards.spans_bytes / kSmallPage; }
  bool is_in_a_span(const void* block) { return is_live(key_of(block)); }
  // A block of a class, which is free again.
  void* take_and_give(unsigned size_class, std::uint32_t shard = 0) {
    const Blocks blocks = take(shard, size_class, 1);
    EXPECT_EQ(blocks.size(), 1u);
    give(blocks);
    return blocks[0];
  }
};

TEST_F(SparesTest, LastSpanOfAClassStays) {
  void* const block = take_and_give(kTwoBlocks);
  EXPECT_EQ(out(), 0u);
  EXPECT_EQ(pages_in_spans(), 1u);
  EXPECT_EQ(dirty_pages(), 0u);
  EXPECT_TRUE(is_in_a_span(block));
  EXPECT_EQ(take(0, kTwoBlocks, 2).back(), block) << "all of it comes again";
  EXPECT_EQ(pages_in_spans(), 1u);
}

TEST_F(SparesTest, ServesItsOwnClassAndShardAlone) {
  void* const block = take_and_give(kTwoBlocks);
  for (unsigned shard : {0u, 1u}) {
    for (void* other : take(shard, shard == 0 ? kManyBlocks : kTwoBlocks, 1)) {
      EXPECT_NE(other, block);
    }
  }
  EXPECT_EQ(pages_in_spans(), 3u);
}

TEST_F(SparesTest, OtherSpansComeFirst) {
  const Blocks first = take(0, kTwoBlocks, 2);
  void* const spare = take_and_give(kTwoBlocks);
  give({first[0]});
  EXPECT_EQ(take(0, kTwoBlocks, 2), (Blocks{first[0]})) << "and a batch is not filled up from it";
  EXPECT_EQ(take(0, kTwoBlocks, 1), (Blocks{spare}));
}

TEST_F(SparesTest, YoungerOneTakesThePlace) {
  const Blocks older = take(0, kTwoBlocks, 2);
  const Blocks younger = take(0, kTwoBlocks, 2);
  give(older);
  EXPECT_TRUE(is_in_a_span(older[0]));
  give(younger);
  EXPECT_FALSE(is_in_a_span(older[0]));
  EXPECT_TRUE(is_in_a_span(younger[0]));
  EXPECT_EQ(dirty_pages(), 1u);
}

TEST_F(SparesTest, OldestLeaveWhereTheyAreTooMany) {
  void* const oldest = take_and_give(kTwoBlocks);
  void* const old = take_and_give(kManyBlocks);
  take_and_give(kTwoBlocks);  // the oldest is the youngest now
  void* const longest = take_and_give(kLongSpans);  // three pages
  EXPECT_FALSE(is_in_a_span(old));
  EXPECT_TRUE(is_in_a_span(oldest));
  EXPECT_TRUE(is_in_a_span(longest));
  EXPECT_EQ(pages_in_spans(), 4u);
  void* const youngest = take_and_give(kOthers);
  EXPECT_FALSE(is_in_a_span(oldest));
  EXPECT_TRUE(is_in_a_span(youngest));
  EXPECT_EQ(pages_in_spans(), 4u);
}

TEST_F(SparesTest, SpanThatIsLongerThanAllMayBeLeaves) {
  const Blocks first = take(0, kLongSpans, 6);
  const Blocks second = take(0, kLongSpans, 6);
  void* const spare = take_and_give(kTwoBlocks);
  const Blocks five_pages = take(0, kLongSpans, 10);
  give(five_pages);
  EXPECT_FALSE(is_in_a_span(five_pages[0]));
  EXPECT_FALSE(is_in_a_span(spare)) << "which was older";
  EXPECT_EQ(pages_in_spans(), 6u);
}

TEST_F(SparesTest, SecondLookFindsThoseThatNobodyTook) {
  void* const used = take_and_give(kTwoBlocks);
  void* const unused = take_and_give(kManyBlocks);
  pool_.give_up_spares(false);
  EXPECT_EQ(pages_in_spans(), 2u);
  take_and_give(kTwoBlocks);
  pool_.give_up_spares(false);
  EXPECT_FALSE(is_in_a_span(unused));
  EXPECT_TRUE(is_in_a_span(used));
  pool_.give_up_spares(false);
  EXPECT_EQ(pages_in_spans(), 0u);
  EXPECT_EQ(dirty_pages(), 2u);
}

TEST_F(SparesTest, DecayLooks) {
  take_and_give(kTwoBlocks);
  for (std::uint64_t now_ms = 10'000; now_ms < 10'000 + 2 * Config::kDecayMs; now_ms += 250) {
    memory_.now_ms = now_ms;
    pool_.decay(now_ms);
  }
  EXPECT_EQ(pages_in_spans(), 0u);
  EXPECT_EQ(dirty_pages(), 0u);
  EXPECT_EQ(memory_.purged, kSmallPage);
}

TEST_F(SparesTest, TrimTakesAll) {
  (void)pool_.ledger().attach_pool(64);  // four shards to a core; there is room for three
  for (std::uint32_t shard = 0; shard < SmallLimits::kShards; ++shard) {
    take_and_give(kTwoBlocks, shard);
    take_and_give(kManyBlocks, shard);
  }
  EXPECT_EQ(pages_in_spans(), 6u);
  EXPECT_EQ(pool_.trim(), 6 * kSmallPage);
  EXPECT_EQ(pages_in_spans(), 0u);
}

TEST_F(SparesTest, ComeHomeForWantOfMemory) {
  void* const spare = take_and_give(kTwoBlocks);
  memory_.largest_commit = 0;
  ASSERT_NE(pool_.take_large(clean_pages(), 1), nullptr);
  const Blocks blocks = take(0, kManyBlocks, 1);
  ASSERT_EQ(blocks.size(), 1u) << "of the only page that is left";
  EXPECT_EQ(pool_.map().page_of(blocks[0]), pool_.map().page_of(spare));
  EXPECT_EQ(take(0, kTwoBlocks, 1).size(), 0u);
}

TEST_F(SparesTest, BlocksThatNobodyHasAreNotOut) {
  const Blocks block = take(0, kTwoBlocks, 1);
  take_and_give(kManyBlocks);
  std::size_t blocks[SmallLimits::kClasses] = {};
  pool_.count_outside(blocks);
  EXPECT_EQ(blocks[kTwoBlocks], 1u);
  EXPECT_EQ(blocks[kManyBlocks], 0u);
  EXPECT_EQ(out(), SmallLimits::size_class(kTwoBlocks).block_size);
}

using SparesDeathTest = SparesTest;

TEST_F(SparesDeathTest, BlockOfOneIsFreeAlready) {
  void* const block = take_and_give(kTwoBlocks);
  EXPECT_DEATH_SAYING(give({block}), "ralloc: double free of " + ralloc_test::hex(block) +
                                         ", which is free already");
}

}  // namespace
}  // namespace ralloc
