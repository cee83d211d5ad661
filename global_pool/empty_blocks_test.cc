#include "global_pool/empty_blocks.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <unordered_set>
#include <vector>

#include "tests/support/addresses.h"
#include "tests/support/build.h"
#include "tests/support/child.h"
#include "tests/support/memory_access.h"
#include "tests/support/threads.h"

namespace ralloc {
namespace {

using Freed = EmptyBlocks::Freed;
constexpr std::size_t kSmall = 128 * kKiB;  // of 8192 addresses
constexpr std::size_t kPlaces = kSmall / EmptyBlocks::kGrain;

std::uintptr_t address(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

TEST(EmptyBlocksTest, AllThatLiveAreDistinct) {
  EmptyBlocks blocks;
  std::unordered_set<void*> live;
  for (int i = 0; i < 100'000; ++i) {
    void* const block = blocks.take(1);
    ASSERT_NE(block, nullptr);
    ASSERT_TRUE(live.insert(block).second) << "after " << i;
    ASSERT_TRUE(blocks.has(block) && blocks.is_live(block));
  }
  for (void* const block : live) ASSERT_EQ(blocks.give(block), Freed::kYes);
  for (void* const block : live) ASSERT_FALSE(blocks.is_live(block));
}

TEST(EmptyBlocksTest, HasEachAlignment) {
  EmptyBlocks blocks(64 * kMiB);
  std::unordered_set<void*> live;
  for (int round = 0; round < 20; ++round) {
    for (std::size_t align = 1; align <= EmptyBlocks::kMostAlign; align *= 2) {
      void* const block = blocks.take(align);
      ASSERT_NE(block, nullptr);
      ASSERT_EQ(address(block) % (align < 16 ? 16 : align), 0u);
      ASSERT_TRUE(live.insert(block).second);
    }
  }
  EXPECT_EQ(blocks.take(2 * EmptyBlocks::kMostAlign), nullptr);
}

TEST(EmptyBlocksTest, AFreedAddressComesAgainAfterAllOthers) {
  EmptyBlocks blocks(kSmall);
  void* const first = blocks.take(1);
  ASSERT_EQ(blocks.give(first), Freed::kYes);
  for (std::size_t i = 1; i < kPlaces; ++i) {
    void* const other = blocks.take(1);
    ASSERT_NE(other, first);
    ASSERT_EQ(blocks.give(other), Freed::kYes);
  }
  EXPECT_EQ(blocks.take(1), first);
}

TEST(EmptyBlocksTest, HandsOutEveryAddressAndThenNone) {
  EmptyBlocks blocks(kSmall);
  std::vector<void*> live;
  while (void* const block = blocks.take(1)) live.push_back(block);
  EXPECT_EQ(live.size(), kPlaces);
  EXPECT_EQ(blocks.take(64), nullptr);
  ASSERT_EQ(blocks.give(live[77]), Freed::kYes);
  EXPECT_EQ(blocks.take(1), live[77]);
  EXPECT_EQ(blocks.take(1), nullptr);
}

TEST(EmptyBlocksTest, AlignedOnesLeaveWhatLiesBetweenToOthers) {
  EmptyBlocks blocks(kSmall);
  for (std::size_t i = 0; i < kSmall / 1024; ++i) ASSERT_NE(blocks.take(1024), nullptr);
  EXPECT_EQ(blocks.take(1024), nullptr);
  std::size_t others = 0;
  while (blocks.take(1) != nullptr) ++others;
  EXPECT_EQ(others, kPlaces - kSmall / 1024);
}

TEST(EmptyBlocksTest, TellsADoubleFreeFromWhatIsNoBlock) {
  EmptyBlocks blocks(kSmall);
  char* const block = static_cast<char*>(blocks.take(1));
  EXPECT_EQ(blocks.give(block + 1), Freed::kNotABlock);
  EXPECT_EQ(blocks.give(block + 16), Freed::kNotABlock) << "never taken";
  EXPECT_FALSE(blocks.is_live(block + 1));
  EXPECT_EQ(blocks.give(block), Freed::kYes);
  EXPECT_EQ(blocks.give(block), Freed::kDouble);
  EXPECT_EQ(blocks.give(block + 1), Freed::kNotABlock);
  while (blocks.take(1) != block) {}
  EXPECT_EQ(blocks.give(block), Freed::kYes) << "taken again";
}

TEST(EmptyBlocksTest, WhereNoSearchHasComeThereIsNoBlock) {
  EmptyBlocks blocks(64 * kMiB);
  char* const block = static_cast<char*>(blocks.take(1));
  char* const far = block + 63 * kMiB;
  ASSERT_TRUE(blocks.has(far));
  EXPECT_FALSE(blocks.is_live(far));
  EXPECT_EQ(blocks.give(far), Freed::kNotABlock);
}

TEST(EmptyBlocksTest, HasNothingOutsideOfItsRange) {
  EmptyBlocks blocks(kSmall);
  int local = 0;
  EXPECT_FALSE(blocks.has(nullptr));
  EXPECT_FALSE(blocks.has(reinterpret_cast<void*>(16))) << "before there is a range";
  char* const first = static_cast<char*>(blocks.take(1));
  EXPECT_TRUE(blocks.has(first + kSmall - 1));
  EXPECT_FALSE(blocks.has(first + kSmall));
  EXPECT_FALSE(blocks.has(first - 1));
  EXPECT_FALSE(blocks.has(&local));
  EXPECT_FALSE(blocks.has(nullptr));
  EXPECT_EQ(blocks.give(&local), Freed::kNotABlock);
}

TEST(EmptyBlocksTest, NobodyCanAccessOne) {
  EmptyBlocks blocks(kSmall);
  void* const block = blocks.take(1);
  EXPECT_FALSE(ralloc_test::is_readable(block));
  EXPECT_FALSE(ralloc_test::is_writable(block));
}

TEST(EmptyBlocksDeathTest, AWriteIsASignal) {
  if constexpr (ralloc_test::kSanitizer) return;  // it has the signal
  EmptyBlocks blocks(kSmall);
  char* const block = static_cast<char*>(blocks.take(1));
  EXPECT_EXIT(*block = 1, testing::KilledBySignal(SIGSEGV), "");
}

TEST(EmptyBlocksTest, SearchesAreShortHoweverManyLive) {
  EmptyBlocks blocks(4 * kMiB);
  // More words in a row than a search looks at, all live; then all others of their kind.
  std::vector<void*> live;
  while (void* const block = blocks.take(1)) live.push_back(block);
  EXPECT_EQ(live.size(), 4 * kMiB / EmptyBlocks::kGrain);
  ASSERT_EQ(blocks.give(live.back()), Freed::kYes);
  // The cursor goes on from search to search, so it comes there.
  void* found = nullptr;
  int searches = 0;
  for (; found == nullptr && searches < 5; ++searches) found = blocks.take(1);
  EXPECT_EQ(found, live.back());
  EXPECT_EQ(searches, 3) << "a quarter of the range each; the one that found none was the first";
}

TEST(EmptyBlocksTest, IsNullWithoutAddressesAndServesAgainWithThem) {
  if constexpr (ralloc_test::kSanitizer) return;  // they need addresses themselves
  EmptyBlocks blocks;
  ralloc_test::Addresses addresses;
  ASSERT_TRUE(addresses.are_refused());
  void* const refused = blocks.take(1);
  ASSERT_TRUE(addresses.come_back());
  EXPECT_EQ(refused, nullptr);
  EXPECT_FALSE(blocks.has(reinterpret_cast<void*>(16)));
  EXPECT_NE(blocks.take(1), nullptr);
}

TEST(EmptyBlocksTest, TakesLittleUnderALimit) {
  if constexpr (ralloc_test::kSanitizer) return;
  EXPECT_TRUE(ralloc_test::holds_in_child([] {
    const rlimit limit{rlim_t{1} << 40, rlim_t{1} << 40};
    if (setrlimit(RLIMIT_AS, &limit) != 0) return false;
    EmptyBlocks blocks;
    const char* const first = static_cast<char*>(blocks.take(1));
    return first != nullptr && blocks.has(first + EmptyBlocks::kLimitedBytes - 1) &&
           !blocks.has(first + EmptyBlocks::kLimitedBytes);
  }));
}

TEST(EmptyBlocksTest, OfTwoThreadsThatFreeOneFreesIt) {
  EmptyBlocks blocks(kSmall);
  std::vector<void*> shared(2000);
  for (void*& block : shared) block = blocks.take(1);
  std::atomic<std::size_t> freed = 0;
  std::atomic<std::size_t> twice = 0;
  ralloc_test::in_threads(2, [&](std::size_t) {
    for (void* const block : shared) {
      const Freed how = blocks.give(block);
      if (how == Freed::kYes) ++freed;
      if (how == Freed::kDouble) ++twice;
    }
  });
  EXPECT_EQ(freed, shared.size());
  EXPECT_EQ(twice, shared.size());
}

TEST(EmptyBlocksTest, ThreadsGetAddressesOfTheirOwn) {
  EmptyBlocks blocks(kSmall);
  std::vector<std::atomic<bool>> held(kPlaces);
  void* const first = blocks.take(1);
  std::atomic<bool> clash = false;
  ralloc_test::in_threads(2, [&](std::size_t) {
    for (int i = 0; i < 20'000; ++i) {
      void* const block = blocks.take(1);
      std::atomic<bool>& mine = held[(address(block) - address(first)) / EmptyBlocks::kGrain];
      if (mine.exchange(true)) clash = true;
      mine = false;
      if (blocks.give(block) != Freed::kYes) clash = true;
    }
  });
  EXPECT_FALSE(clash);
}

// Whether or not the other thread held the mutex when it was lost.
TEST(EmptyBlocksTest, AChildGetsNoAddressTwice) {
  EmptyBlocks blocks(kSmall);
  void* const kept = blocks.take(1);
  std::atomic<bool> stop = false;
  std::thread other([&] {
    while (!stop) blocks.give(blocks.take(1));
  });
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(ralloc_test::holds_in_child([&] {
      std::unordered_set<void*> live{kept};
      for (int n = 0; n < 1000; ++n) {
        void* const block = blocks.take(1);
        if (block != nullptr && !live.insert(block).second) return false;
      }
      for (void* const block : live) {
        if (blocks.give(block) != Freed::kYes) return false;
      }
      return !blocks.is_live(kept);
    }));
  }
  stop = true;
  other.join();
}

}  // namespace
}  // namespace ralloc
