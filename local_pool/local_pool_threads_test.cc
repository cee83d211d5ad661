// Pools of several threads: foreign blocks go home, and a thread's end leaves nothing behind.
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>

#include "local_pool/this_pool.h"
#include "shim/debugger.h"
#include "tests/support/build.h"
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
using ralloc_test::in_threads;
using ralloc_test::take_block;
using ralloc_test::take_blocks;

const unsigned k64 = size_class_of(64);
const unsigned k1024 = size_class_of(1024);
constexpr unsigned kLargest = kClasses - 1;

// All that the threads of a test took is back in the global pool at its end (I7).
class LocalPoolThreadsTest : public testing::Test {
 protected:
  ~LocalPoolThreadsTest() override {
    flush_this_pool();
    EXPECT_EQ(bytes_out(), bytes_before_);
    EXPECT_TRUE(bookkeeper.is_valid());
  }

 private:
  const std::size_t bytes_before_ = bytes_out();
};

// Runs `body` in a thread whose home differs from this one's.
template <class Body>
void in_thread_of_another_shard(Body body) {
  ASSERT_NE(attach_this_pool(), nullptr);
  const Key home = this_rack->home;
  in_fresh_thread([&] {
    ASSERT_NE(attach_this_pool(), nullptr);
    ASSERT_NE(this_rack->home, home) << "the least used shard is another one";
    body();
  });
}

TEST_F(LocalPoolThreadsTest, ForeignBlocksWaitToGoHome) {
  const Blocks blocks = take_blocks(k64, 10);
  in_thread_of_another_shard([&] {
    give_blocks(blocks);
    EXPECT_EQ(bytes_in_this_pool(), 10 * 64u) << "they wait to go home";
    EXPECT_EQ(take_hit(k64 * sizeof(Magazine)), nullptr);
    void* own = take_block(k64);
    EXPECT_EQ(shard_of(bookkeeper.map().key_of(own)), shard_of(this_rack->home));
    EXPECT_TRUE(attach_this_pool()->is_valid());
    give_block(own);
  });
}

TEST_F(LocalPoolThreadsTest, ForeignBlocksGoHomeInGrowingBatches) {
  const Blocks blocks = take_blocks(0, 3000);
  in_thread_of_another_shard([&] {
    std::size_t waiting = 0;
    std::size_t most = 0;
    unsigned batches = 0;
    for (void* block : blocks) {
      give_block(block);
      batches += bytes_in_this_pool() <= waiting;
      waiting = bytes_in_this_pool();
      most = std::max(most, waiting);
    }
    EXPECT_EQ(most, Config::kOutgoingBlocks * kGrain);
    EXPECT_LE(batches, 12u);
    EXPECT_TRUE(attach_this_pool()->is_valid());
  });
}

TEST_F(LocalPoolThreadsTest, FewLargeForeignBlocksWait) {
  const Blocks blocks = take_blocks(kLargest, 100);
  in_thread_of_another_shard([&] {
    for (void* block : blocks) {
      give_block(block);
      EXPECT_LE(bytes_in_this_pool(), Config::kOutgoingBytes);
    }
  });
}

TEST_F(LocalPoolThreadsTest, FlushSendsForeignBlocksHome) {
  const Blocks blocks = take_blocks(k1024, 5);
  const std::size_t before = bytes_out();
  in_thread_of_another_shard([&] {
    give_blocks(blocks);
    flush_this_pool();
    EXPECT_EQ(bytes_in_this_pool(), 0u);
    EXPECT_EQ(bytes_out(), before - 5 * 1024);
  });
}

TEST_F(LocalPoolThreadsTest, ThreadsThatEndGiveEverythingBack) {
  const std::size_t drawn = bookkeeper.budget().drawn();
  in_threads(8, [](unsigned thread) {
    Blocks blocks;
    for (unsigned c = thread; c < kClasses; c += 7) {
      for (void* block : take_blocks(c, 20)) blocks.push_back(block);
    }
    give_blocks(blocks);
  });
  EXPECT_EQ(bookkeeper.budget().drawn(), drawn);
}

TEST_F(LocalPoolThreadsTest, BlocksOutliveTheThreadThatTookThem) {
  Blocks blocks;
  in_fresh_thread([&] { blocks = take_blocks(k64, 100); });
  const std::set<void*> distinct(blocks.begin(), blocks.end());
  EXPECT_EQ(distinct.size(), 100u);
  for (void* block : take_blocks(k64, 500)) {
    EXPECT_EQ(distinct.count(block), 0u);
    blocks.push_back(block);
  }
  give_blocks(blocks);
}

TEST_F(LocalPoolThreadsTest, ThreadThatOnlyFreesLeavesNothing) {
  const Blocks blocks = take_blocks(k64, 1000);
  in_fresh_thread([&] { give_blocks(blocks); });
}

TEST_F(LocalPoolThreadsTest, ThousandThreadsNeedTheRecordsOfOne) {
  const auto use_pool = [] { give_blocks(take_blocks(k64, 200)); };
  in_fresh_thread(use_pool);
  const std::size_t before = bookkeeper.counts().ledger.metadata_bytes;
  for (int i = 0; i < 1000; ++i) in_fresh_thread(use_pool);
  EXPECT_EQ(bookkeeper.counts().ledger.metadata_bytes, before);
}

TEST_F(LocalPoolThreadsTest, AllPoolsKeepWithinTheTotal) {
  constexpr unsigned kThreads = 40;  // each by itself would have its 4 MiB and more
  std::size_t drawn = 0;
  std::barrier grown(kThreads, [&]() noexcept { drawn = bookkeeper.budget().drawn(); });
  in_threads(kThreads, [&](unsigned) {
    Blocks blocks;
    for (unsigned c = k1024; c < kClasses; ++c) ralloc_test::miss(c, 10, blocks);
    grown.arrive_and_wait();
    give_blocks(blocks);
  });
  EXPECT_LE(drawn, Config::kAllPoolsBytes);
  EXPECT_GT(drawn, Config::kAllPoolsBytes * 3 / 4);
}

// --- After the exit hook -----------------------------------------------------------------------

// A destructor of a pthread key that comes again and again, also after the pool is gone.
pthread_key_t late_key;
void* late_block = nullptr;
unsigned late_rounds = 0;
bool had_no_pool = false;

void use_memory_late(void* key_value) {
  if (late_block != nullptr) give_block(late_block);
  const Blocks blocks = take_blocks(k64, 3);
  EXPECT_EQ(std::set<void*>(blocks.begin(), blocks.end()).size(), 3u);
  give_blocks({blocks[0], blocks[1]});
  late_block = blocks[2];
  had_no_pool = attach_this_pool() == nullptr;
  EXPECT_TRUE(!had_no_pool || bytes_in_this_pool() == 0);
  flush_this_pool();
  if (++late_rounds < 3) pthread_setspecific(late_key, key_value);
}

TEST_F(LocalPoolThreadsTest, LateDestructorsLeaveNothingBehind) {
  ASSERT_EQ(pthread_key_create(&late_key, &use_memory_late), 0);
  in_fresh_thread([] {
    give_block(take_block(k64));
    pthread_setspecific(late_key, &late_key);
  });
  EXPECT_EQ(late_rounds, 3u);
  EXPECT_TRUE(had_no_pool);
  give_block(late_block);
  pthread_key_delete(late_key);
}

// In a process of its own, which has no key yet.
TEST(LocalPoolKeyDeathTest, ThreadsWithoutAKeyGoWithoutAPool) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto use_without_keys = [] {
    pthread_key_t key;
    while (pthread_key_create(&key, nullptr) == 0) {
    }
    const std::size_t before = bytes_out();
    const Blocks blocks = take_blocks(k64, 20);
    const bool served = std::set<void*>(blocks.begin(), blocks.end()).size() == 20;
    give_blocks(blocks);
    const bool good = served && attach_this_pool() == nullptr && bytes_out() == before;
    ralloc_test::dump_coverage();
    _exit(good ? 0 : 1);
  };
  EXPECT_EXIT(use_without_keys(), testing::ExitedWithCode(0), "");
}

// --- All together ------------------------------------------------------------------------------

// Threads pass blocks on, full of plain bytes: a block in two hands, or handed over without
// order, would show as a wrong byte, or as a race.
TEST_F(LocalPoolThreadsTest, BlocksAreInOneHandAtATime) {
  const std::uint64_t seed = ralloc_test::new_seed();
  std::mutex mutex;
  Blocks passed_on;
  const auto size = [](void* block) {
    return size_class_info(class_of(bookkeeper.map().key_of(block))).block_size;
  };
  const auto check_and_give = [&](void* block) {
    const auto tag = *static_cast<unsigned char*>(block);
    ASSERT_TRUE(ralloc_test::is_filled(block, size(block), tag));
    // As alloc/ does: there it is found if someone writes to it while it is free.
    if constexpr (Defences::kZeroesFreed) std::memset(block, 0, size(block));
    give_block(block);
  };
  in_threads(6, [&](unsigned thread) {
    ralloc_test::Random random(seed + thread);
    Blocks held;
    for (int step = 0; step < 10'000; ++step) {
      if (random.below(2) == 0) {
        void* block = take_block(unsigned(random.below(random.below(8) == 0 ? 70 : 4)));
        if constexpr (kDebugger) debugger::open(block, size(block));  // as alloc/ would
        std::memset(block, int(random.below(256)), size(block));
        held.push_back(block);
      } else if (!held.empty()) {
        std::swap(held[random.below(held.size())], held.back());
        check_and_give(held.back());
        held.pop_back();
      }
      if (step % 200 == 0) {
        const std::lock_guard lock(mutex);
        held.swap(passed_on);
        EXPECT_TRUE(attach_this_pool()->is_valid());
      }
      ASSERT_TRUE(step % 2000 != 0 || bookkeeper.is_valid());
    }
    for (void* block : held) check_and_give(block);
  });
  for (void* block : passed_on) check_and_give(block);
}

// Children of a busy process take and give like their parent.
TEST_F(LocalPoolThreadsTest, ForkedChildrenGoOnWhileThreadsAreBusy) {
  std::atomic<bool> done{false};
  std::thread threads([&] {
    in_threads(4, [&](unsigned thread) {
      while (!done) give_blocks(take_blocks(thread * 20, 200));
    });
  });
  const Blocks blocks = take_blocks(k64, 300);
  for (int i = 0; i < 30; ++i) {
    EXPECT_TRUE(ralloc_test::holds_in_child([&] {
      give_blocks(blocks);
      for (unsigned c = 0; c < kClasses; ++c) {
        const Blocks some = take_blocks(c, 30);
        if (std::set<void*>(some.begin(), some.end()).size() != 30) return false;
        give_blocks(some);
      }
      flush_this_pool();
      return bookkeeper.is_valid() && attach_this_pool()->is_valid();
    }));
  }
  done = true;
  threads.join();
  give_blocks(blocks);
}

}  // namespace
}  // namespace ralloc
