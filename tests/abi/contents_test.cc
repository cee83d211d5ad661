// What lies in a block: all of it is the program's, nothing else is, and calloc's is zero.
#include <gtest/gtest.h>

#include <cstring>
#include <utility>
#include <vector>

#include "abi/malloc_family.h"
#include "support/process.h"

namespace {

using ralloc_test::is_filled;
using ralloc_test::kMiB;
using ralloc_test::Random;

constexpr std::uint64_t kSeed = 7;

// From 1 byte to 1 MiB: each size class, its neighbours, and large blocks.
std::vector<std::size_t> sizes_of_every_kind() {
  std::vector<std::size_t> sizes;
  for (std::size_t size = 0; size <= 2100; size += 3) sizes.push_back(size);
  for (std::size_t size = 2048; size <= kMiB; size += size / 9) {
    sizes.insert(sizes.end(), {size - 1, size, size + 1});
  }
  return sizes;
}

TEST(UsableSizeTest, IsNoLessThanAskedForAndStable) {
  for (const std::size_t size : sizes_of_every_kind()) {
    void* block = malloc(size);
    ASSERT_NE(block, nullptr);
    const std::size_t usable = malloc_usable_size(block);
    EXPECT_GE(usable, size);
    std::memset(block, 0x55, usable);
    void* other = malloc(size);
    free(other);
    EXPECT_EQ(malloc_usable_size(block), usable) << size;
    free(block);
  }
  EXPECT_EQ(malloc_usable_size(nullptr), 0u);
}

TEST(UsableSizeTest, WasteIsBounded) {
  for (const std::size_t size : sizes_of_every_kind()) {
    void* block = malloc(size);
    // Up to a quarter, or the granule of small sizes, or a page of large ones.
    EXPECT_LE(malloc_usable_size(block), size + size / 4 + (size > 32768 ? 65536 : 16)) << size;
    free(block);
  }
}

TEST(UsableSizeTest, IsWhatNallocxAndGoodSizeForetell) {
  for (const std::size_t size : sizes_of_every_kind()) {
    if (size == 0) continue;  // nallocx(0) has no meaning in its home, jemalloc
    void* block = malloc(size);
    EXPECT_EQ(malloc_usable_size(block), nallocx(size, 0)) << size;
    EXPECT_EQ(malloc_usable_size(block), malloc_good_size(size)) << size;
    free(block);
  }
}

TEST(UsableSizeTest, IsWhatNallocxForetellsOfAlignedBlocks) {
  for (int log_align = 0; log_align <= 20; ++log_align) {
    for (const std::size_t size : sizes_of_every_kind()) {
      if (size == 0) continue;
      void* block = memalign(std::size_t{1} << log_align, size);
      EXPECT_EQ(malloc_usable_size(block), nallocx(size, log_align)) << size << ", " << log_align;
      free(block);
    }
  }
}

TEST(ObjectSizeTest, IsWhatIsLeftOfTheBlock) {
  for (const std::size_t size : sizes_of_every_kind()) {
    char* const block = static_cast<char*>(malloc(size));
    const std::size_t usable = malloc_usable_size(block);
    for (const std::size_t offset : {std::size_t{0}, std::size_t{1}, size / 2}) {
      if (offset > size || offset >= 65536) continue;  // a large block is known by its first page
      EXPECT_EQ(malloc_object_size(block + offset), usable - offset) << size << " + " << offset;
      EXPECT_EQ(malloc_object_size_fast(block + offset), usable - offset) << size << " + " << offset;
    }
    free(block);
  }
}

TEST(ObjectSizeTest, IsUnknownOfWhatIsNoBlock) {
  int here = 0;
  EXPECT_EQ(malloc_object_size(&here), SIZE_MAX);
  EXPECT_EQ(malloc_object_size(nullptr), 0u);
}

TEST(UsableSizeTest, AskingForAGoodSizeGivesExactlyThat) {
  for (const std::size_t size : sizes_of_every_kind()) {
    const std::size_t good = malloc_good_size(size);
    EXPECT_GE(good, size);
    EXPECT_EQ(malloc_good_size(good), good) << size;
  }
}

// Blocks filled to the last usable byte, under churn: a byte that changes was also another's.
TEST(ContentsTest, BlocksNeverOverlap) {
  struct Held {
    unsigned char* block;
    std::size_t usable;
    unsigned char tag;
  };
  Random random(kSeed);
  std::vector<Held> held;
  for (int i = 0; i < 40000; ++i) {
    if (held.size() > 600) {
      std::swap(held[random.below(held.size())], held.back());
      const Held victim = held.back();
      held.pop_back();
      ASSERT_TRUE(is_filled(victim.block, victim.usable, victim.tag))
          << static_cast<void*>(victim.block) << ", seed " << kSeed;
      free(victim.block);
    }
    const std::size_t size = random.below(std::size_t{1} << (3 + random.below(15)));
    auto* block = static_cast<unsigned char*>(malloc(size));
    ASSERT_NE(block, nullptr);
    const std::size_t usable = malloc_usable_size(block);
    const auto tag = static_cast<unsigned char>(random.next());
    std::memset(block, tag, usable);
    held.push_back({block, usable, tag});
  }
  for (const Held& each : held) {
    ASSERT_TRUE(is_filled(each.block, each.usable, each.tag)) << "seed " << kSeed;
    free(each.block);
  }
}

// Frees what was filled with ones and asks for as much again: the same memory must be clean.
void expect_clean_after_use(std::size_t size, std::size_t count) {
  std::vector<unsigned char*> blocks;
  for (std::size_t i = 0; i < count; ++i) {
    auto* block = static_cast<unsigned char*>(malloc(size));
    ASSERT_NE(block, nullptr);
    std::memset(block, 0xff, malloc_usable_size(block));
    blocks.push_back(block);
  }
  for (unsigned char* block : blocks) free(block);
  const std::size_t element = size % 4 == 0 ? 4 : 1;
  for (unsigned char*& block : blocks) {
    block = static_cast<unsigned char*>(calloc(size / element, element));
    ASSERT_NE(block, nullptr);
    ASSERT_TRUE(is_filled(block, size, 0)) << size;
    std::memset(block, 0xff, malloc_usable_size(block));
  }
  for (unsigned char* block : blocks) free(block);
}

TEST(CallocTest, IsZeroWhereSmallBlocksWereDirty) {
  for (const std::size_t size : {1, 16, 24, 64, 100, 500, 1024, 1500, 4096, 10000, 32768}) {
    ASSERT_NO_FATAL_FAILURE(expect_clean_after_use(size, 1));
    ASSERT_NO_FATAL_FAILURE(expect_clean_after_use(size, 300));
  }
}

TEST(CallocTest, IsZeroWhereLargeBlocksWereDirty) {
  for (const std::size_t size : {std::size_t{32769}, std::size_t{65536}, std::size_t{100000},
                                 std::size_t{400000}, kMiB + 1, 10 * kMiB}) {
    ASSERT_NO_FATAL_FAILURE(expect_clean_after_use(size, 1));
    ASSERT_NO_FATAL_FAILURE(expect_clean_after_use(size, 8));
  }
}

// Memory that went through other sizes, was purged or moved, is clean too.
TEST(CallocTest, IsZeroUnderChurnOfAllSizes) {
  Random random(kSeed);
  std::vector<std::pair<unsigned char*, std::size_t>> held;
  for (int i = 0; i < 6000; ++i) {
    const std::size_t size = 1 + random.below(std::size_t{1} << (4 + random.below(17)));
    auto* block = static_cast<unsigned char*>(calloc(size, 1));
    ASSERT_NE(block, nullptr);
    ASSERT_TRUE(is_filled(block, size, 0)) << size << ", seed " << kSeed;
    std::memset(block, 0xff, malloc_usable_size(block));
    held.emplace_back(block, size);
    if (i % 1000 == 500) malloc_trim(0);
    if (held.size() < 100) continue;
    std::swap(held[random.below(held.size())], held.back());
    unsigned char* victim = held.back().first;
    held.pop_back();
    if (i % 2 == 0) {  // dirty it once more at another size
      const std::size_t other = 1 + random.below(200000);
      victim = static_cast<unsigned char*>(realloc(victim, other));
      ASSERT_NE(victim, nullptr);
      std::memset(victim, 0xff, malloc_usable_size(victim));
    }
    free(victim);
  }
  for (const auto& [block, size] : held) free(block);
}

}  // namespace
