// Blocks of every size and alignment, what they may hold, and where memory goes.
// Changes of size: reallocate_test.cc.
#include "alloc/allocator.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <set>
#include <vector>

#include "tests/support/child.h"
#include "tests/support/process.h"
#include "tests/support/residency.h"

namespace ralloc {
namespace {

using ralloc_test::hex;
using ralloc_test::is_filled;
using ralloc_test::resident_bytes_of;

constexpr std::size_t kPage = std::size_t{1} << Config::kPageShift;
constexpr std::size_t kTooMuch = std::size_t{PTRDIFF_MAX} + 1;

// Every size where something changes, and its neighbours.
std::vector<std::size_t> interesting_sizes() {
  std::vector<std::size_t> sizes{0, 1};
  for (unsigned c = 0; c < kSizes; ++c) {
    const std::size_t size = size_class_info(c).block_size;
    sizes.insert(sizes.end(), {size - 1, size, size + 1});
  }
  for (const std::size_t pages : {1, 2, 16, 100, 2000}) {
    sizes.insert(sizes.end(), {pages * kPage - 1, pages * kPage, pages * kPage + 1});
  }
  return sizes;
}

bool is_aligned(const void* p, std::size_t align) {
  return reinterpret_cast<std::uintptr_t>(p) % align == 0;
}

std::size_t usable(const void* block) { return usable_size(block, Misuse::kForeignUsableSize); }

class AllocatorTest : public testing::Test {
 protected:
  ~AllocatorTest() override { EXPECT_TRUE(bookkeeper.is_valid()); }
};

TEST_F(AllocatorTest, ServesEverySizeWithAlignedWritableMemory) {
  for (const std::size_t size : interesting_sizes()) {
    auto* block = static_cast<unsigned char*>(allocate(size));
    ASSERT_NE(block, nullptr) << size;
    EXPECT_TRUE(is_aligned(block, kGrain));
    EXPECT_GE(usable(block), size);
    std::memset(block, 0xa5, usable(block));
    EXPECT_TRUE(is_filled(block, usable(block), 0xa5));
    deallocate(block);
  }
}

TEST_F(AllocatorTest, GoodSizeForetellsTheUsableSize) {
  for (const std::size_t size : interesting_sizes()) {
    void* block = allocate(size);
    EXPECT_EQ(usable_size_for(size), usable(block)) << size;
    EXPECT_EQ(usable_size_for(usable(block)), usable(block)) << size;
    deallocate(block);
  }
  EXPECT_EQ(usable_size_for(kTooMuch), 0u);
  EXPECT_EQ(usable_size_for(SIZE_MAX), 0u);
}

TEST_F(AllocatorTest, BlocksOfNoBytesAreDistinct) {
  std::set<void*> blocks;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(blocks.insert(allocate(0)).second);
  for (void* block : blocks) deallocate(block);
}

TEST_F(AllocatorTest, RefusesWhatNoProcessCanHave) {
  for (const std::size_t size : {std::size_t{PTRDIFF_MAX}, kTooMuch, SIZE_MAX - kPage, SIZE_MAX}) {
    EXPECT_EQ(allocate(size), nullptr);
    EXPECT_EQ(allocate_zeroed(size), nullptr);
    for (const std::size_t align : {std::size_t{16}, std::size_t{64}, 2 * kPage}) {
      EXPECT_EQ(allocate_aligned(size, align), nullptr);
    }
  }
  EXPECT_EQ(allocate_aligned(1, kTooMuch), nullptr);
  deallocate(allocate(1));
}

TEST_F(AllocatorTest, ServesEveryAlignment) {
  for (std::size_t align = 1; align <= 256 * kMiB; align *= 2) {
    for (const std::size_t size : {0, 1, 17, 100, 1024, 5000, 32768, 32769, 200'000}) {
      void* blocks[3];
      for (void*& block : blocks) {
        block = allocate_aligned(size, align);
        ASSERT_NE(block, nullptr) << size << " at " << align;
        EXPECT_TRUE(is_aligned(block, align));
        EXPECT_GE(usable(block), size);
        std::memset(block, 1, size);
      }
      for (void* block : blocks) deallocate(block);
    }
  }
}

// What the entries take first; a block that is freed makes the next one a hit.
TEST_F(AllocatorTest, HitsAreAlignedToo) {
  if (kExactSizes) GTEST_SKIP() << "their blocks have slack";
  unsigned hits = 0;
  for (std::size_t align = 1; align <= kSmallMost; align *= 2) {
    for (std::size_t size : {1ul, 15ul, 16ul, 17ul, 48ul, 64ul, 100ul, 1000ul, 1024ul, 1025ul, 4000ul,
                             4096ul, 20000ul, 32768ul}) {
      deallocate(allocate_aligned(size, align));
      void* const block = allocate_aligned_hit(size, align);
      if (block == nullptr) continue;
      ++hits;
      EXPECT_TRUE(is_aligned(block, align)) << size << " at " << align;
      EXPECT_GE(usable_size(block, Misuse::kForeignUsableSize), size);
      deallocate(block);
    }
  }
  EXPECT_GE(hits, 150u) << "of 224";
  for (std::size_t size : {std::size_t{0}, kSmallMost + 1, kTooMuch, SIZE_MAX}) {
    EXPECT_EQ(allocate_aligned_hit(size, 64), nullptr);
    EXPECT_EQ(allocate_aligned_hit(64, std::bit_floor(size) > kSmallMost ? std::bit_floor(size)
                                                                         : 2 * kSmallMost), nullptr);
    EXPECT_EQ(allocate_zeroed_hit(size), nullptr);
  }
}

TEST_F(AllocatorTest, HitsAreZeroToTheByteWhateverTheyHeld) {
  if (kExactSizes) GTEST_SKIP() << "their blocks have slack";
  for (std::size_t size = 1; size <= 1100; ++size) {
    void* block = allocate(size);
    deallocate(std::memset(block, 0xa5, usable_size(block, Misuse::kForeignUsableSize)));
    ASSERT_EQ(allocate_zeroed_hit(size), block);
    EXPECT_TRUE(is_filled(block, 0, size)) << size;
    deallocate(block);
  }
}

TEST_F(AllocatorTest, HundredsOfHugeBlocksLiveAtOnce) {
  std::set<void*> blocks;
  for (int i = 0; i < 400; ++i) blocks.insert(allocate(Config::kArenaPiece + kPage));
  EXPECT_EQ(blocks.size(), 400u);
  EXPECT_EQ(blocks.count(nullptr), 0u);
  for (void* block : blocks) deallocate(block);
}

TEST_F(AllocatorTest, ZeroedBlocksAreZeroWhateverTheyHeldBefore) {
  for (const std::size_t size : {1, 100, 32768, 32769, 1'000'000}) {
    for (const bool trimmed : {false, true}) {
      void* dirty = allocate(size);
      std::memset(dirty, 0xff, size);
      deallocate(dirty);
      if (trimmed) trim();
      void* block = allocate_zeroed(size);
      EXPECT_TRUE(is_filled(block, size, 0)) << size;
      deallocate(block);
    }
  }
  void* nothing = allocate_zeroed(0);
  EXPECT_NE(nothing, nullptr);
  deallocate(nothing);
}

TEST_F(AllocatorTest, FreshZeroedMemoryIsNotTouched) {
  trim();
  void* block = allocate_zeroed(64 * kMiB);
  EXPECT_EQ(resident_bytes_of(block, 64 * kMiB), 0u);
  deallocate(block);
}

TEST_F(AllocatorTest, FreeOfNullDoesNothing) { deallocate(nullptr); }

TEST_F(AllocatorTest, FreeKeepsErrno) {
  for (const std::size_t size : {1, 100'000, 100'000'000}) {
    void* block = allocate(size);
    errno = 4711;
    deallocate(block);
    EXPECT_EQ(errno, 4711) << size;
  }
}

TEST_F(AllocatorTest, LargeBlockIsUsedAgain) {
  trim();
  void* block = allocate(10 * kMiB);
  deallocate(block);
  EXPECT_EQ(allocate(10 * kMiB), block);
  deallocate(block);
}

TEST_F(AllocatorTest, TrimReturnsWhatIsFree) {
  std::vector<void*> blocks;
  for (int i = 0; i < 20'000; ++i) blocks.push_back(std::memset(allocate(1000), 1, 1000));
  for (void* block : blocks) deallocate(block);
  void* large = std::memset(allocate(20 * kMiB), 1, 20 * kMiB);
  deallocate(large);
  EXPECT_EQ(resident_bytes_of(large, 20 * kMiB), 20 * kMiB) << "kept for a while";
  EXPECT_GE(trim(), 38 * kMiB);
  EXPECT_EQ(resident_bytes_of(large, 20 * kMiB), 0u);
  EXPECT_EQ(bookkeeper.counts().ledger.dirty_bytes, 0u);
  EXPECT_EQ(trim(), 0u) << "nothing is left";
}

// --- Misuse ------------------------------------------------------------------------------------

using AllocatorDeathTest = AllocatorTest;

const std::string kForeign = ", which is not a live block of this allocator";

TEST_F(AllocatorDeathTest, ForeignPointersAreFatal) {
  int local = 0;
  static int global = 0;
  void* const kernel = reinterpret_cast<void*>(~std::uintptr_t{0xfff});
  for (void* p : {static_cast<void*>(&local), static_cast<void*>(&global), kernel,
                  reinterpret_cast<void*>(16)}) {
    EXPECT_DEATH_SAYING(deallocate(p), "ralloc: free of " + hex(p) + kForeign);
    EXPECT_DEATH_SAYING((void)reallocate(p, 10, 16), "ralloc: realloc of " + hex(p) + kForeign);
    EXPECT_DEATH_SAYING((void)usable(p), "ralloc: usable size asked of " + hex(p) + kForeign);
  }
}

TEST_F(AllocatorDeathTest, LargeBlockThatIsFreeAlreadyIsFatal) {
  void* block = allocate(10'000'000);
  deallocate(block);
  EXPECT_DEATH_SAYING(deallocate(block), "ralloc: free of " + hex(block) + kForeign);
  EXPECT_DEATH_SAYING((void)reallocate(block, 1, 16),
                      "ralloc: realloc of " + hex(block) + kForeign);
}

TEST_F(AllocatorDeathTest, LargeBlockThatIsKeptIsFreeAlready) {
  void* block = allocate(1'000'000);
  deallocate(block);
  if (large_bytes_in_this_pool() == 0) GTEST_SKIP() << "no such block is kept in this build";
  EXPECT_DEATH_SAYING(deallocate(block),
                      "ralloc: double free of " + hex(block) + ", which is free already");
  EXPECT_DEATH_SAYING((void)reallocate(block, 1, 16),
                      "ralloc: realloc of " + hex(block) + kForeign);
}

TEST_F(AllocatorDeathTest, PointersIntoALargeBlockAreFatal) {
  char* block = static_cast<char*>(allocate(1'000'000));
  EXPECT_DEATH_SAYING(deallocate(block + 16), "ralloc: free of " + hex(block + 16) +
                                                  ", which is not the start of a block");
  EXPECT_DEATH_SAYING((void)reallocate(block + 16, 1, 16),
                      "ralloc: realloc of " + hex(block + 16) + kForeign);
  char* second_page = block + kPage;
  EXPECT_DEATH_SAYING(deallocate(second_page), "ralloc: free of " + hex(second_page) + kForeign);
  deallocate(block);
}

}  // namespace
}  // namespace ralloc
