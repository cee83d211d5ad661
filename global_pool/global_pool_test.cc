// The bookkeeper as a whole: blocks and keys come and go together. How memory goes back to
// the OS: global_pool_memory_test.cc.
#include "global_pool/global_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/support/child.h"
#include "tests/support/process.h"
#include "tests/support/global_pool_bed.h"
#include "tests/support/threads.h"

namespace ralloc {
namespace {

using ralloc_test::Blocks;
using ralloc_test::FakeMetadata;
using ralloc_test::kLongSpans;
using ralloc_test::kManyBlocks;
using ralloc_test::kSmallPage;
using ralloc_test::kTwoBlocks;
using ralloc_test::SmallLimits;

using GlobalPoolTest = ralloc_test::GlobalPoolBed;

TEST_F(GlobalPoolTest, TakesBlocksThatPopInAscendingOrder) {
  const Blocks blocks = take(0, kManyBlocks, 10);
  ASSERT_EQ(blocks.size(), 10u);
  for (std::size_t i = 1; i < 10; ++i) {
    EXPECT_EQ(static_cast<char*>(blocks[i - 1]) - static_cast<char*>(blocks[i]), 1024);
  }
}

TEST_F(GlobalPoolTest, TakesWhatOneSpanHas) {
  Blocks blocks = take(0, kTwoBlocks, 9);
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_GT(blocks[0], blocks[1]);
}

TEST_F(GlobalPoolTest, EveryBlockHasTheKeyOfItsShardAndClass) {
  for (std::uint32_t shard = 0; shard < SmallLimits::kShards; ++shard) {
    for (std::uint32_t c = 0; c < SmallLimits::kClasses; ++c) {
      for (void* block : take(shard, c, 100)) {
        ASSERT_EQ(key_of(block), home_key(shard) | c * 16);
        ASSERT_EQ(key_of(static_cast<char*>(block) + 319), home_key(shard) | c * 16);
      }
    }
  }
}

TEST_F(GlobalPoolTest, KeysGoWithTheLastBlock) {
  const Blocks blocks = take(1, kTwoBlocks, 2);
  give({blocks[0]});
  EXPECT_TRUE(is_live(key_of(blocks[1])));
  give({blocks[1]});
  EXPECT_FALSE(is_live(key_of(blocks[0])));
  EXPECT_FALSE(is_live(key_of(blocks[1])));
  EXPECT_EQ(pool_.counts().shards.spans_bytes, 0u);
  EXPECT_EQ(dirty_pages(), 1u);
}

TEST_F(GlobalPoolTest, GivesEveryBlockHomeWhateverItsShard) {
  Blocks all;
  for (std::uint32_t shard = 0; shard < SmallLimits::kShards; ++shard) {
    for (std::uint32_t c = 0; c < SmallLimits::kClasses; ++c) {
      const Blocks some = take(shard, c, 5);
      all.insert(all.end(), some.begin(), some.end());
    }
  }
  ralloc_test::Random random(1);
  for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[random.below(i)]);
  EXPECT_GT(out(), 0u);
  give(all);
  EXPECT_EQ(out(), 0u);
  EXPECT_EQ(pool_.counts().shards.spans_bytes, 0u);
  EXPECT_EQ(FakeMetadata::outstanding, 2 * sizeof(Span)) << "of one dirty run and one clean";
}

TEST_F(GlobalPoolTest, SpansGrowWithTheirNumber) {
  EXPECT_EQ(take(0, kLongSpans, 99).size(), 6u);
  EXPECT_EQ(take(0, kLongSpans, 99).size(), 6u);
  EXPECT_EQ(take(0, kLongSpans, 99).size(), 10u);
  EXPECT_EQ(take(1, kLongSpans, 99).size(), 6u) << "another shard's";
}

TEST_F(GlobalPoolTest, ShortSpanDoesWhereALongOneCannotBeHad) {
  take(0, kLongSpans, 99);
  take(0, kLongSpans, 99);
  memory_.reserve_limit = Config::kArenaPiece;
  ASSERT_NE(pool_.take_large(clean_pages(), 1), nullptr);
  const std::size_t rest = kPiecePages - pool_.counts().ledger.committed_bytes / kSmallPage;
  ASSERT_NE(pool_.take_large(rest - 4, 1), nullptr);
  EXPECT_EQ(take(0, kLongSpans, 99).size(), 6u);
  EXPECT_EQ(take(0, kLongSpans, 99).size(), 0u);
}

TEST_F(GlobalPoolTest, TakesFromAnyShardAsALastResort) {
  EXPECT_EQ(pool_.take_anywhere(kManyBlocks), nullptr);
  const Blocks blocks = take(2, kManyBlocks, 1);
  void* block = pool_.take_anywhere(kManyBlocks);
  EXPECT_EQ(block, static_cast<char*>(blocks[0]) + 1024);
  EXPECT_EQ(pool_.take_anywhere(kTwoBlocks), nullptr);
}

// --- Large blocks ------------------------------------------------------------------------------

TEST_F(GlobalPoolTest, LargeBlockIsKnownByItsFirstPage) {
  Span* span = pool_.take_large(3, 1);
  char* block = span->begin();
  EXPECT_TRUE(is_live(key_of(block)) && is_large(key_of(block)));
  EXPECT_FALSE(is_live(key_of(block + kSmallPage)));
  EXPECT_EQ(pool_.large_at(block), span);
  EXPECT_EQ(pool_.large_at(block + 1), nullptr);
  EXPECT_EQ(pool_.large_at(block + kSmallPage), nullptr);
  pool_.give_large(span, SpanState::kDirty);
  EXPECT_FALSE(is_live(key_of(block)));
}

TEST_F(GlobalPoolTest, RefusesMorePagesThanAddresses) {
  pool_.give_large(pool_.take_large(3, 1), SpanState::kDirty);
  EXPECT_EQ(pool_.take_large(std::size_t{1} << 40, 1), nullptr);
  EXPECT_EQ(pool_.take_large(1, std::size_t{1} << 40), nullptr);
  EXPECT_EQ(memory_.purged, 0u) << "without scraping memory together";
}

// --- Misuse ------------------------------------------------------------------------------------

using GlobalPoolDeathTest = GlobalPoolTest;

TEST_F(GlobalPoolDeathTest, BlockThatIsFreeAlreadyIsFatal) {
  const Blocks blocks = take(0, kManyBlocks, 2);
  give({blocks[0]});
  EXPECT_DEATH_SAYING(give({blocks[0]}), "ralloc: double free of " + ralloc_test::hex(blocks[0]) +
                                             ", which is free already");
}

TEST_F(GlobalPoolDeathTest, BlockOfASpanThatHasGoneIsFatal) {
  const Blocks blocks = take(0, kTwoBlocks, 2);
  give(blocks);
  EXPECT_DEATH_SAYING(give({blocks[1]}), "ralloc: double free of " + ralloc_test::hex(blocks[1]) +
                                             ", which is free already");
}

TEST_F(GlobalPoolDeathTest, PointerIntoABlockIsFatal) {
  void* inside = static_cast<char*>(take(0, kManyBlocks, 1)[0]) + 16;
  EXPECT_DEATH_SAYING(give({inside}), "ralloc: free of " + ralloc_test::hex(inside) +
                                          ", which is not the start of a block");
}

// --- Many threads ------------------------------------------------------------------------------

// Each block has a byte that its holder writes, plainly: were a block in two hands, or handed
// over without order, the bytes would disagree, or race.
TEST_F(GlobalPoolTest, ThreadsNeverHoldTheSameBlock) {
  std::vector<std::uint8_t> holders(4 * Config::kArenaPiece / kGrain);
  const auto holder = [&](const void* block) -> std::uint8_t& {
    return holders.at(((std::uintptr_t{1} << 45) - std::uintptr_t(block)) / kGrain);
  };
  ralloc_test::in_threads(4, [&](unsigned thread) {
    ralloc_test::Random random(thread);
    Blocks held;
    const auto give_some = [&](std::size_t n) {
      Blocks some(held.end() - std::ptrdiff_t(n), held.end());
      held.resize(held.size() - n);
      for (void* block : some) {
        ASSERT_EQ(holder(block), thread + 1);
        holder(block) = 0;
      }
      give(some);
    };
    for (int step = 0; step < 4000; ++step) {
      if (held.size() < 200 && random.below(2) == 0) {
        // Another class in the same pages: keys and bits change hands too.
        for (void* block : take(random.below(3), random.below(4), 1 + random.below(20))) {
          ASSERT_EQ(holder(block), 0);
          ASSERT_TRUE(is_live(key_of(block)));
          holder(block) = std::uint8_t(thread + 1);
          held.push_back(block);
        }
      } else {
        std::rotate(held.begin(), held.begin() + std::ptrdiff_t(held.size() / 3), held.end());
        give_some(std::min(held.size(), random.below(40)));
      }
      if (step % 500 == 0) pool_.trim();
    }
    give_some(held.size());
  });
  EXPECT_EQ(out(), 0u);
  EXPECT_EQ(pool_.counts().shards.spans_bytes, 0u);
}

}  // namespace
}  // namespace ralloc
