// What examples/config/small_memory.h says is what happens: the custom build has that
// configuration. Each test would fail with the default.
#include <gtest/gtest.h>

#include <barrier>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "alloc/allocator.h"
#include "ralloc/ralloc.h"
#include "shim/options.h"
#include "shim/os.h"
#include "support/child.h"
#include "support/process.h"
#include "support/residency.h"

namespace ralloc {
namespace {

class SmallMemoryTest : public testing::Test {
 protected:
  SmallMemoryTest() { trim(); }
  ~SmallMemoryTest() override { EXPECT_TRUE(bookkeeper.is_valid()); }

  static std::size_t dirty() { return bookkeeper.counts().ledger.dirty_bytes; }
  static std::size_t committed() { return bookkeeper.counts().ledger.committed_bytes; }
  static std::size_t usable(const void* p) { return usable_size(p, Misuse::kForeignUsableSize); }
  static void* written(std::size_t size) { return std::memset(allocate(size), 1, size); }
};

// --- Growth ------------------------------------------------------------------------------------

TEST_F(SmallMemoryTest, TheHeapGrowsByAQuarter) {
  std::vector<void*> blocks;
  while (committed() < 3 * kMiB) blocks.push_back(allocate(100'000));
  const std::size_t before = committed();
  while (committed() == before) blocks.push_back(allocate(100'000));
  EXPECT_LE(committed() - before, before / 4);
  EXPECT_GE(committed() - before, 512 * kKiB);
  for (void* block : blocks) deallocate(block);
}

TEST_F(SmallMemoryTest, AddressesAreReservedInSmallPieces) {
  void* const block = allocate(100'000);
  const std::size_t before = bookkeeper.counts().ledger.reserved_bytes;
  std::vector<void*> blocks;
  while (bookkeeper.counts().ledger.reserved_bytes == before) blocks.push_back(allocate(kMiB));
  EXPECT_EQ(bookkeeper.counts().ledger.reserved_bytes - before, 8 * kMiB);
  for (void* one : blocks) deallocate(one);
  deallocate(block);
}

// --- Shards and magazines ----------------------------------------------------------------------

TEST_F(SmallMemoryTest, EachCoreHasOneShard) {
  const unsigned cores = os::cpu_count();
  const unsigned threads = 3 * cores;
  std::vector<unsigned> homes(threads);
  std::barrier all_have_one(threads);
  std::vector<std::thread> crew;
  for (unsigned& home : homes) {
    crew.emplace_back([&] {
      home = shard_of(attach_this_pool()->home);
      all_have_one.arrive_and_wait();
    });
  }
  for (std::thread& thread : crew) thread.join();
  EXPECT_EQ(std::set<unsigned>(homes.begin(), homes.end()).size(), cores);
}

TEST_F(SmallMemoryTest, AThreadKeepsHalfAMegabyte) {
  std::thread([] {
    for (const std::size_t size : {1000, 4000, 2000}) {
      std::vector<void*> blocks(1000);
      for (void*& block : blocks) block = allocate(size);
      const std::size_t before = bytes_in_this_pool();
      for (void* block : blocks) deallocate(block);
      EXPECT_LE(bytes_in_this_pool() - before, 256 * kKiB) << "one magazine";
    }
    EXPECT_LE(bytes_in_this_pool(), 600 * kKiB) << "all, with their first rooms";
  }).join();
}

// --- Returning memory --------------------------------------------------------------------------

TEST_F(SmallMemoryTest, SixteenMegabytesMayBeDirty) {
  std::vector<void*> blocks(40);
  for (void*& block : blocks) block = written(kMiB);
  std::size_t most = 0;
  std::size_t least_after_most = SIZE_MAX;
  for (void* block : blocks) {
    const std::size_t before = dirty();
    deallocate(block);
    most = std::max(most, dirty());
    if (dirty() < before) least_after_most = std::min(least_after_most, dirty());
  }
  EXPECT_LE(most, 16 * kMiB);
  EXPECT_GE(most, 15 * kMiB);
  EXPECT_LE(least_after_most, 4 * kMiB) << "trimming stops there";
}

TEST_F(SmallMemoryTest, FreeMemoryDecaysInAFifthOfASecond) {
  deallocate(written(2 * kMiB));
  // As if so much time had passed; until somebody looks again a little more may.
  bookkeeper.decay(os::now_ms() + 2 * 200);
  EXPECT_EQ(dirty(), 0u);
}

TEST_F(SmallMemoryTest, SinglePagesDoNotDecay) {
  void* blocks[3] = {written(kPage), written(kPage), written(kPage)};
  deallocate(blocks[1]);
  const std::uint64_t later_ms = os::now_ms() + 100'000;
  bookkeeper.decay(later_ms);
  EXPECT_EQ(dirty(), kPage);
  EXPECT_EQ(bookkeeper.purge(later_ms, later_ms, SIZE_MAX), kPage) << "but they can be returned";
  EXPECT_EQ(dirty(), 0u);
  deallocate(blocks[0]);
  deallocate(blocks[2]);
}

// --- Reallocation ------------------------------------------------------------------------------

TEST_F(SmallMemoryTest, BlocksOfWhichAQuarterIsUnusedMove) {
  void* block = allocate(1000);
  const std::size_t size = usable(block);
  EXPECT_EQ(block = reallocate(block, size * 4 / 5, kGrain), block);
  EXPECT_EQ(usable(block), size);
  block = reallocate(block, size * 2 / 3, kGrain);
  EXPECT_LT(usable(block), size);
  deallocate(block);
}

TEST_F(SmallMemoryTest, TheLastPageIsCutOff) {
  void* const block = allocate(100 * kPage);
  ASSERT_EQ(reallocate(block, 99 * kPage, kGrain), block);
  EXPECT_EQ(usable(block), 99 * kPage);
  deallocate(block);
}

TEST_F(SmallMemoryTest, NothingIsTakenAhead) {
  void* const block = allocate(8 * kPage);
  ASSERT_EQ(reallocate(block, 9 * kPage, kGrain), block);
  EXPECT_EQ(usable(block), 9 * kPage);
  deallocate(block);
}

// Hemmed in, and so by its pages, into a mapping of its own.
TEST_F(SmallMemoryTest, HalfAMegabyteMovesByItsPagesAndGetsNoRoomToGrow) {
  void* block = written(512 * kKiB);
  void* const hem = allocate(512 * kKiB);
  block = reallocate(block, 4 * kMiB, kGrain);
  EXPECT_TRUE(bookkeeper.large_at(block)->is_apart_.get());
  EXPECT_EQ(usable(block), 4 * kMiB);
  deallocate(block);
  deallocate(hem);
}

// --- What the user is told ---------------------------------------------------------------------

TEST_F(SmallMemoryTest, TheLogTellsWarnings) {
  EXPECT_EQ(options().log_level, LogLevel::kWarning);
}

constexpr std::size_t kUnobtainable = std::size_t{1} << 60;

TEST(SmallMemoryDeathTest, WithoutMemoryTheProcessLeaves) {
  EXPECT_EXIT((void)alloc(kUnobtainable), testing::ExitedWithCode(75), "^$");
}

TEST(SmallMemoryDeathTest, AHandlerOfTheProgramComesInItsPlace) {
  EXPECT_EQ(set_oom_handler([](std::size_t size, std::size_t) { throw size; }),
            &leave_for_restart);
  EXPECT_THROW((void)alloc(kUnobtainable), std::size_t);
  set_oom_handler(nullptr);
  EXPECT_DEATH_SAYING((void)alloc(kUnobtainable),
                      "ralloc: out of memory: no block of " + std::to_string(kUnobtainable) +
                          " bytes can be had");
  set_oom_handler(&leave_for_restart);
}

TEST(SmallMemoryDeathTest, TheThreadsOwnHandlerComesBeforeIt) {
  OomHandlerScope scope([](std::size_t size, std::size_t) { throw size; });
  EXPECT_THROW((void)alloc(kUnobtainable), std::size_t);
}

}  // namespace
}  // namespace ralloc
