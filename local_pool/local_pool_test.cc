// Magazines of one thread: filled and emptied by batches, growing and shrinking with use.
// What several threads do together: local_pool_threads_test.cc.
#include "local_pool/this_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>

#include "tests/support/child.h"
#include "tests/support/pool_user.h"
#include "tests/support/process.h"
#include "tests/support/seed.h"
#include "tests/support/threads.h"

namespace ralloc {
namespace {

using ralloc_test::Blocks;
using ralloc_test::bytes_out;
using ralloc_test::give_block;
using ralloc_test::give_blocks;
using ralloc_test::in_fresh_thread;
using ralloc_test::miss;
using ralloc_test::take_block;
using ralloc_test::take_blocks;
using ralloc_test::take_rest;

const unsigned k64 = size_class_of(64);
const unsigned k512 = size_class_of(512);
const unsigned k1024 = size_class_of(1024);
const unsigned k4096 = size_class_of(4096);
const unsigned kLargest = kClasses - 1;

// Room of a magazine, which must be empty.
std::size_t empty_room(unsigned size_class) {
  const Magazine& magazine = attach_this_pool()->magazines[size_class];
  EXPECT_EQ(*magazine.top, nullptr);
  return std::size_t(magazine.end - magazine.top);
}

std::size_t base_room(unsigned size_class) { return size_class_info(size_class).base_room; }

// Threads of a test leave everything as it was.
class LocalPoolTest : public testing::Test {
 protected:
  ~LocalPoolTest() override {
    EXPECT_EQ(bytes_out(), bytes_before_);
    EXPECT_EQ(bookkeeper.budget().drawn(), drawn_before_);
    EXPECT_TRUE(bookkeeper.is_valid());
  }

 private:
  const std::size_t bytes_before_ = bytes_out();
  const std::size_t drawn_before_ = bookkeeper.budget().drawn();
};

TEST_F(LocalPoolTest, ThreadWithoutAPoolHitsNothing) {
  in_fresh_thread([] {
    void* const block = &this_rack;
    for (unsigned c = 0; c < kClasses; ++c) {
      EXPECT_EQ(take_hit(c * sizeof(Magazine)), nullptr);
      EXPECT_FALSE(give_hit(block, home_key(0) | c * 16));
    }
    EXPECT_EQ(bytes_in_this_pool(), 0u);
    flush_this_pool();
  });
}

TEST_F(LocalPoolTest, ThreadHasOnePool) {
  in_fresh_thread([] {
    ThisPool* pool = attach_this_pool();
    ASSERT_NE(pool, nullptr);
    EXPECT_EQ(attach_this_pool(), pool);
    EXPECT_EQ(this_rack, pool);
    EXPECT_TRUE(pool->is_valid());
    in_fresh_thread([&] { EXPECT_NE(attach_this_pool(), pool); });
  });
}

TEST_F(LocalPoolTest, GivesOutTheBlocksOfARefillInAscendingOrder) {
  if (Defences::kShufflesBlocks) GTEST_SKIP() << "their order is random (defended_pool_test.cc)";
  in_fresh_thread([] {
    Blocks blocks{take_miss(k64)};
    take_rest(k64, blocks);
    EXPECT_EQ(blocks.size(), (size_class_info(k64).first_room + 1u) / 2);
    for (std::size_t i = 1; i < blocks.size(); ++i) EXPECT_GT(blocks[i], blocks[i - 1]);
    give_blocks(blocks);
  });
}

TEST_F(LocalPoolTest, GivesOutFirstWhatCameLast) {
  in_fresh_thread([] {
    const Blocks blocks = take_blocks(k64, 3);
    give_blocks(blocks);
    EXPECT_EQ(take_block(k64), blocks[2]);
    EXPECT_EQ(take_block(k64), blocks[1]);
    give_block(blocks[2]);
    EXPECT_EQ(take_block(k64), blocks[2]);
    give_blocks({blocks[1], blocks[2]});
  });
}

TEST_F(LocalPoolTest, EveryClassHasItsMagazine) {
  in_fresh_thread([] {
    std::set<void*> all;
    for (unsigned c = 0; c < kClasses; ++c) {
      for (void* block : take_blocks(c, 5)) {
        EXPECT_EQ(bookkeeper.map().key_of(block), this_rack->home | c * 16);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % kGrain, 0u);
        EXPECT_TRUE(all.insert(block).second);
      }
    }
    for (void* block : all) give_block(block);
    EXPECT_TRUE(attach_this_pool()->is_valid());
  });
}

TEST_F(LocalPoolTest, RoomDoublesWhileTheMagazineSwings) {
  for (const unsigned c : {0u, k64, k1024, k4096, kLargest}) {
    in_fresh_thread([c] {
      Blocks blocks;
      std::size_t room = size_class_info(c).first_room;
      for (int i = 0; i < 15; ++i) {
        miss(c, 1, blocks);
        ASSERT_EQ(empty_room(c), room) << c;
        const std::size_t next = 2 * room + 1;
        if (next <= size_class_info(c).most_room) room = next;
      }
      EXPECT_TRUE(attach_this_pool()->is_valid());
      give_blocks(blocks);
      EXPECT_TRUE(attach_this_pool()->is_valid());
    });
  }
}

TEST_F(LocalPoolTest, OverflowsDoubleTheRoomToo) {
  in_fresh_thread([] {
    const std::uint32_t shard = shard_of(attach_this_pool()->home);
    Blocks blocks(1000);
    for (void*& block : blocks) ASSERT_EQ(bookkeeper.take(shard, k1024, &block, 1), 1u);
    give_blocks(blocks);
    EXPECT_EQ(bytes_in_this_pool(), 1000 * 1024u) << "none had to go home";
    EXPECT_TRUE(attach_this_pool()->is_valid());
  });
}

TEST_F(LocalPoolTest, MagazineThatDoesNotSwingStaysAtItsBaseRoom) {
  in_fresh_thread([] {
    Blocks blocks, others;
    for (int i = 0; i < 20; ++i) {
      miss(k4096, 1, blocks);
      miss(k1024, Config::kSwingEvents + 1, others);
    }
    EXPECT_EQ(empty_room(k4096), base_room(k4096));
    EXPECT_GT(empty_room(k1024), base_room(k1024));
    give_blocks(blocks);
    give_blocks(others);
  });
}

// What a thread holds waits for a core with it.
TEST_F(LocalPoolTest, BaseRoomIsLessWhereManyThreadsAreAtHomeInAShard) {
  in_fresh_thread([] {
    auto& ledger = bookkeeper.ledger();
    const std::uint32_t shard = shard_of(attach_this_pool()->home);
    ASSERT_LE(ledger.pools_of(shard), 3u);
    using Place = Bookkeeper::Ledger::PoolPlace;
    constexpr std::size_t kRecord = 64;
    std::vector<Place> others;
    Blocks blocks, more;
    for (const auto& [size_class, pools] : {std::pair{k512, 4u}, {k1024, 3u}}) {
      while (ledger.pools_of(shard) < pools) others.push_back(ledger.attach_pool(kRecord));
      while (ledger.pools_of(shard) > pools) {
        ledger.detach_pool(others.back(), kRecord);
        others.pop_back();
      }
      for (int i = 0; i < 20; ++i) {
        miss(size_class, 1, blocks);
        miss(kLargest, Config::kSwingEvents + 1, more);
      }
      const std::size_t first_room = size_class_info(size_class).first_room;
      const std::size_t room = base_room(size_class) >> Config::base_halvings(pools);
      EXPECT_EQ(empty_room(size_class), std::max(first_room, room));
    }
    for (const Place& other : others) ledger.detach_pool(other, kRecord);
    give_blocks(blocks);
    give_blocks(more);
  });
}

TEST_F(LocalPoolTest, OverflowKeepsTheNewestBlocks) {
  in_fresh_thread([] {
    const Blocks blocks = take_blocks(kLargest, 1000);
    give_blocks(blocks);
    EXPECT_LE(bytes_in_this_pool(), Config::kMagazineBytes);
    EXPECT_TRUE(attach_this_pool()->is_valid());
    Blocks cached;
    take_rest(kLargest, cached);
    ASSERT_FALSE(cached.empty());
    ASSERT_LT(cached.size(), blocks.size());
    EXPECT_TRUE(std::equal(cached.begin(), cached.end(), blocks.rbegin()));
    give_blocks(cached);
  });
}

TEST_F(LocalPoolTest, CountsTheBytesThatItKeeps) {
  in_fresh_thread([] {
    const std::size_t before = bytes_out();
    const Blocks blocks = take_blocks(k1024, 10);
    EXPECT_EQ(bytes_out() - before, 10 * 1024 + bytes_in_this_pool());
    give_blocks(blocks);
    EXPECT_GE(bytes_in_this_pool(), 3 * 1024u);
    EXPECT_EQ(bytes_out() - before, bytes_in_this_pool());
  });
}

TEST_F(LocalPoolTest, FlushGivesAllOfItHome) {
  in_fresh_thread([] {
    const std::size_t before = bytes_out();
    for (const unsigned c : {k64, k1024, kLargest}) give_blocks(take_blocks(c, 50));
    EXPECT_GT(bytes_in_this_pool(), 0u);
    flush_this_pool();
    EXPECT_EQ(bytes_in_this_pool(), 0u);
    EXPECT_EQ(bytes_out(), before);
    EXPECT_TRUE(attach_this_pool()->is_valid());
    give_block(take_block(k64));  // and goes on
  });
}

TEST_F(LocalPoolTest, UnusedMagazineGivesItsBlocksAndItsRoomBack) {
  in_fresh_thread([] {
    Blocks blocks;
    miss(k1024, 12, blocks);
    const std::size_t room = empty_room(k1024);
    give_blocks(blocks);
    const std::size_t kept = bytes_in_this_pool();
    const std::size_t drawn = bookkeeper.budget().drawn();
    ASSERT_GT(kept, 100 * kKiB);
    // Long enough with another class for a dozen looks.
    Blocks others;
    miss(0, 12 * Config::kIdleScanEvents, others);
    give_blocks(others);
    Blocks rest;
    take_rest(k1024, rest);
    EXPECT_LE(rest.size(), 1u);
    EXPECT_LT(empty_room(k1024), room / 4);
    EXPECT_LT(bookkeeper.budget().drawn(), drawn);
    EXPECT_TRUE(attach_this_pool()->is_valid());
    give_blocks(rest);
  });
}

TEST_F(LocalPoolTest, KeepsWithinItsBudget) {
  in_fresh_thread([] {
    const std::size_t before = bookkeeper.budget().drawn();
    Blocks blocks;
    for (unsigned c = k1024; c < kClasses; ++c) miss(c, 12, blocks);
    EXPECT_LE(bookkeeper.budget().drawn() - before, Config::kPoolBytes);
    EXPECT_GT(bookkeeper.budget().drawn() - before, Config::kPoolBytes / 2);
    give_blocks(blocks);
    EXPECT_TRUE(attach_this_pool()->is_valid());
  });
}

TEST_F(LocalPoolTest, HasItsFirstRoomsWhenOthersHaveDrawnTheBudget) {
  const std::size_t all = Config::kAllPoolsBytes - bookkeeper.budget().drawn();
  ASSERT_TRUE(bookkeeper.budget().draw(all, Config::kAllPoolsBytes));
  in_fresh_thread([] {
    Blocks blocks;
    miss(k64, 10, blocks);
    EXPECT_EQ(empty_room(k64), size_class_info(k64).first_room);
    give_blocks(blocks);
    EXPECT_TRUE(attach_this_pool()->is_valid());
  });
  bookkeeper.budget().put_back(all);
}

using LocalPoolDeathTest = LocalPoolTest;

TEST_F(LocalPoolDeathTest, ImmediateDoubleFreeIsFatal) {
  for (const unsigned c : {0u, k1024, kLargest}) {
    void* block = take_block(c);
    EXPECT_DEATH_SAYING(give_blocks({block, block}),
                        "ralloc: double free of " + ralloc_test::hex(block) +
                            ", which is free already");
    give_block(block);
    flush_this_pool();
  }
}

TEST_F(LocalPoolDeathTest, DelayedDoubleFreeIsFatalAtTheLatestWhenItComesHome) {
  void* block = take_block(k64);
  void* other = take_block(k64);
  const auto free_twice = [&] {
    give_blocks({block, other, block});
    flush_this_pool();
  };
  EXPECT_DEATH_SAYING(free_twice(), "ralloc: double free of " + ralloc_test::hex(block) +
                                        ", which is free already");
  give_blocks({block, other});
  flush_this_pool();
}

TEST_F(LocalPoolTest, FollowsTheModelThroughRandomUse) {
  const std::uint64_t seed = ralloc_test::new_seed();
  in_fresh_thread([seed] {
    ralloc_test::Random random(seed);
    std::set<void*> held;
    Blocks order;
    for (int step = 0; step < 100'000; ++step) {
      if (random.below(2000) == 0) flush_this_pool();
      // Now more blocks, now fewer, so that every magazine runs full and empty.
      if (random.below(100) < (step / 10'000 % 2 == 0 ? 70u : 30u)) {
        void* block = take_block(unsigned(random.below(random.below(4) == 0 ? kClasses : 3)));
        ASSERT_TRUE(held.insert(block).second) << "handed out twice";
        order.push_back(block);
      } else if (!order.empty()) {
        std::swap(order[random.below(order.size())], order.back());
        held.erase(order.back());
        give_block(order.back());
        order.pop_back();
      }
      ASSERT_TRUE(step % 1000 != 0 ||
                  (attach_this_pool()->is_valid() && bookkeeper.is_valid()));
    }
    give_blocks(order);
  });
}

}  // namespace
}  // namespace ralloc
