// A local pool with defences, over a bookkeeper of mere addresses: order, quarantine, and what goes
// home.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "global_pool/global_pool.h"
#include "local_pool/local_pool.h"
#include "tests/support/child.h"
#include "tests/support/small_pool.h"

namespace ralloc {
namespace {

constexpr unsigned k320 = 0;
constexpr unsigned k1024 = 1;
constexpr unsigned k32768 = 2;

constexpr SizeClass with_rooms(SizeClass info, std::uint16_t first, std::uint16_t most) {
  info.first_room = first;
  info.base_room = info.most_room = most;
  return info;
}

struct DefendedLimits : ralloc_test::SmallLimits {
  struct Defences : NoDefences {
    static constexpr bool kFindsWritesAtFlush = true;
    static constexpr bool kShufflesBlocks = true;
    static constexpr std::size_t kThreadQuarantineBytes = 64 * 1024;
    static constexpr std::size_t kThreadQuarantineSwaps = 4;
  };
  static constexpr std::size_t kQuarantineBlocks = 100;
  static constexpr std::size_t kPoolRecord = 4096;
  static constexpr SizeClass kRooms[kClasses] = {
      with_rooms(kSizeClasses[0], 63, 63), with_rooms(kSizeClasses[1], 63, 63),
      with_rooms(kSizeClasses[2], 3, 3), with_rooms(kSizeClasses[3], 3, 3)};
  static constexpr const SizeClass& size_class(unsigned c) { return kRooms[c]; }

  using Random = ralloc::Random;
  static inline const void* written = nullptr;
  static bool is_untouched(const void* block, unsigned) { return block != written; }
};

using Pool = GlobalPool<StdSync, DefendedLimits>;
using Local = LocalPool<StdSync, DefendedLimits>;
using Blocks = std::vector<void*>;

class DefendedPoolTest : public ralloc_test::SmallPoolTest {
 protected:
  ~DefendedPoolTest() override {
    DefendedLimits::written = nullptr;
    EXPECT_TRUE(local_->is_valid());
    local_->close();
    EXPECT_EQ(out(), 0u);
    EXPECT_TRUE(pool_.is_valid());
  }
  void* take(unsigned size_class) {
    void* const block = local_->take_hit(size_class * sizeof(Magazine));
    return block != nullptr ? block : local_->refill(size_class);
  }
  Blocks take(unsigned size_class, std::size_t n) {
    Blocks blocks(n);
    for (void*& block : blocks) block = take(size_class);
    return blocks;
  }
  std::size_t bytes_of(const void* block) const {
    return DefendedLimits::size_class(class_of(pool_.map().key_of(block))).block_size;
  }
  void give(void* block) { local_->give_later(block, pool_.map().key_of(block), bytes_of(block)); }
  void give(const Blocks& blocks) {
    for (void* block : blocks) give(block);
  }
  std::size_t out() { return pool_.counts().shards.blocks_bytes; }

  Pool::Shards shards_{};
  Pool pool_{shards_};
  Local* local_ = Local::open(pool_);
};

TEST_F(DefendedPoolTest, GivesOutEveryBlockOnceInAnOrderOfItsOwn) {
  Blocks first = take(k320, 204);
  const Blocks order = first;
  std::sort(first.begin(), first.end());
  EXPECT_EQ(std::adjacent_find(first.begin(), first.end()), first.end()) << "one came twice";
  EXPECT_EQ(static_cast<char*>(first.back()) - static_cast<char*>(first.front()), 203 * 320)
      << "they are a span's";
  EXPECT_NE(order, first);
  Blocks second = take(k320, 204);
  const auto place = [](void* block) { return reinterpret_cast<std::uintptr_t>(block) % 65536; };
  EXPECT_FALSE(std::equal(order.begin(), order.end(), second.begin(),
                          [&](void* a, void* b) { return place(a) == place(b); }))
      << "two spans have the same order";
  give(order);
  give(second);
}

TEST_F(DefendedPoolTest, ABlockIsNotUsedAgainBeforeManyBytesWereFreed) {
  for (unsigned round = 0; round < 20; ++round) {
    void* const block = take(k1024);
    give(block);
    // 64 lie there, four in slots; when there are more the oldest leave, until they are 56.
    for (unsigned i = 0; i < 52; ++i) {
      void* const other = take(k1024);
      ASSERT_NE(other, block) << "after " << i;
      give(other);
    }
  }
}

TEST_F(DefendedPoolTest, HoldsNoMoreBytesOrBlocksThanItMay) {
  const Blocks large = take(k1024, 200);
  const Blocks small = take(k320, 400);
  local_->flush();
  EXPECT_EQ(local_->bytes(), 0u);
  give(Blocks(large.begin(), large.begin() + 64));
  EXPECT_EQ(local_->bytes(), 64u * 1024);
  EXPECT_EQ(*local_->magazines[k1024].top, nullptr) << "as much as may lie there";
  give(large[64]);
  EXPECT_NE(*local_->magazines[k1024].top, nullptr) << "the oldest had to leave";
  give(Blocks(large.begin() + 65, large.end()));
  local_->flush();
  // A hundred are the most; each counts for a hundredth, rounded up.
  give(Blocks(small.begin(), small.begin() + 99));
  EXPECT_EQ(*local_->magazines[k320].top, nullptr);
  give(small[99]);
  EXPECT_NE(*local_->magazines[k320].top, nullptr);
  give(Blocks(small.begin() + 100, small.end()));
}

TEST_F(DefendedPoolTest, LargerBlocksPassBy) {
  void* const block = take(k32768);
  give(block);
  EXPECT_EQ(*local_->magazines[k32768].top, block);
}

TEST_F(DefendedPoolTest, AFlushEmptiesIt) {
  give(take(k320, 50));
  EXPECT_EQ(local_->bytes(), out());
  local_->flush();
  EXPECT_EQ(local_->bytes(), 0u);
  EXPECT_EQ(out(), 0u);
}

TEST_F(DefendedPoolTest, ForeignBlocksLieThereToo) {
  Blocks blocks(10);
  const unsigned other = (shard_of(local_->home) + 1) % DefendedLimits::kShards;
  ASSERT_EQ(pool_.take(other, k320, blocks.data(), 10), 10u);
  give(blocks);
  EXPECT_EQ(local_->bytes(), 3200u);
  EXPECT_TRUE(local_->is_valid());
  local_->flush();
  EXPECT_EQ(out(), 0u);
}

TEST_F(DefendedPoolTest, WithoutMemoryThereIsNone) {
  // The pool's own record is the first that a fresh one takes.
  ralloc_test::FakeMetadata::takes_until_failure = 2;
  Local* const local = Local::open(pool_);
  ASSERT_NE(local, nullptr);
  EXPECT_FALSE(local->has_quarantine());
  void* const block = local->refill(k320);
  local->give_later(block, pool_.map().key_of(block), bytes_of(block));
  EXPECT_EQ(*local->magazines[k320].top, block);
  local->close();
}

using DefendedPoolDeathTest = DefendedPoolTest;

TEST_F(DefendedPoolDeathTest, AWriteIsFoundWhenABlockGoesHome) {
  const Blocks blocks = take(k1024, 80);
  void* const large = take(k32768);
  void* foreign = nullptr;
  const unsigned other = (shard_of(local_->home) + 1) % DefendedLimits::kShards;
  ASSERT_EQ(pool_.take(other, k32768, &foreign, 1), 1u);
  give(blocks);
  give(large);
  give(foreign);
  for (void* block : {blocks[0], blocks[79], large, foreign}) {
    DefendedLimits::written = block;
    EXPECT_DEATH_SAYING(local_->flush(), "ralloc: write after free of " + ralloc_test::hex(block) +
                                             ", whose bytes are no longer zero");
  }
  DefendedLimits::written = nullptr;
}

}  // namespace
}  // namespace ralloc
