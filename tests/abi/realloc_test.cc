// realloc and reallocarray: contents survive every way up and down.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "abi/malloc_family.h"
#include "support/process.h"

namespace {

using ralloc_test::kKiB;
using ralloc_test::kMiB;
using ralloc_test::opaque;
using ralloc_test::Random;

// Bytes that differ between blocks and between neighbouring pages of one block.
std::vector<unsigned char> make_pattern(std::uint64_t seed, std::size_t size) {
  std::vector<unsigned char> pattern(size + 8);
  Random random(seed);
  for (std::size_t i = 0; i < size; i += 8) {
    const std::uint64_t word = random.next();
    std::memcpy(&pattern[i], &word, 8);
  }
  return pattern;
}

// A block that follows a pattern through each change of its size.
class Patterned {
 public:
  Patterned(std::uint64_t seed, std::size_t most) : pattern_(make_pattern(seed, most)) {}
  ~Patterned() { free(block_); }

  void resize(std::size_t size) {
    auto* block = static_cast<unsigned char*>(realloc(block_, size));
    ASSERT_NE(block, nullptr) << size;
    block_ = block;
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block_) % 16, 0u);
    ASSERT_GE(malloc_usable_size(block_), size);
    const std::size_t kept = std::min(size_, size);
    ASSERT_EQ(std::memcmp(block_, pattern_.data(), kept), 0) << size_ << " to " << size;
    std::memcpy(block_ + kept, pattern_.data() + kept, size - kept);
    size_ = size;
  }

 private:
  std::vector<unsigned char> pattern_;
  unsigned char* block_ = nullptr;
  std::size_t size_ = 0;
};

TEST(ReallocTest, KeepsContentsWhileOneBlockGrowsTo64MiBAndShrinks) {
  Patterned block(1, 64 * kMiB);
  std::size_t size = 1;
  for (; size < 64 * kMiB; size += size / 2 + 1) ASSERT_NO_FATAL_FAILURE(block.resize(size));
  ASSERT_NO_FATAL_FAILURE(block.resize(64 * kMiB));
  for (size = 64 * kMiB; size > 0; size = size * 2 / 5) {
    ASSERT_NO_FATAL_FAILURE(block.resize(size));
  }
}

// Two blocks in turn stand in each other's way, so neither always grows in place.
TEST(ReallocTest, KeepsContentsWhileTwoBlocksGrowAgainstEachOther) {
  Patterned first(2, 8 * kMiB);
  Patterned second(3, 8 * kMiB);
  for (std::size_t size = 1; size < 8 * kMiB; size += size / 8 + 1) {
    ASSERT_NO_FATAL_FAILURE(first.resize(size));
    ASSERT_NO_FATAL_FAILURE(second.resize(size));
  }
}

TEST(ReallocTest, KeepsContentsAtEverySizeUpTo5000) {
  Patterned up(4, 5000);
  for (std::size_t size = 1; size <= 5000; ++size) ASSERT_NO_FATAL_FAILURE(up.resize(size));
  for (std::size_t size = 5000; size > 0; --size) ASSERT_NO_FATAL_FAILURE(up.resize(size));
}

TEST(ReallocTest, KeepsContentsAtRandomSizes) {
  constexpr std::uint64_t kSeed = 5;
  Random random(kSeed);
  std::vector<std::unique_ptr<Patterned>> blocks;
  for (std::uint64_t i = 0; i < 40; ++i) {
    blocks.push_back(std::make_unique<Patterned>(100 + i, 512 * kKiB));
  }
  for (int i = 0; i < 8000; ++i) {
    const std::size_t size = 1 + random.below(std::size_t{1} << (4 + random.below(16)));
    ASSERT_NO_FATAL_FAILURE(blocks[random.below(blocks.size())]->resize(size)) << "seed " << kSeed;
  }
}

TEST(ReallocTest, KeepsContentsOfAlignedBlocks) {
  for (std::size_t align = 32; align <= kMiB; align *= 8) {
    auto* block = static_cast<char*>(aligned_alloc(align, 1000));
    ASSERT_NE(block, nullptr);
    std::memset(block, 'a', 1000);
    for (const std::size_t size : {2000, 200000, 900, 1000}) {
      block = static_cast<char*>(realloc(block, size));
      ASSERT_NE(block, nullptr);
      for (std::size_t i = 0; i < 900; ++i) ASSERT_EQ(block[i], 'a') << align << ' ' << size;
    }
    free(block);
  }
}

TEST(ReallocTest, OfNullAllocates) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{5000}, kMiB}) {
    void* block = realloc(opaque(static_cast<void*>(nullptr)), size);
    ASSERT_NE(block, nullptr) << size;
    EXPECT_GE(malloc_usable_size(block), size);
    free(block);
  }
}

// As glibc: the block is freed and null returned, which is no error.
TEST(ReallocTest, ToZeroBytesFreesAndGivesNull) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{100}, std::size_t{5000}, 8 * kMiB}) {
    const std::size_t before = ralloc_test::resident_bytes();
    for (int i = 0; i < 200; ++i) {
      void* block = malloc(size);
      ASSERT_NE(block, nullptr);
      std::memset(block, 1, size);
      errno = 0;
      ASSERT_EQ(realloc(block, opaque(std::size_t{0})), nullptr);
      ASSERT_EQ(errno, 0);
      block = malloc(size);
      ASSERT_EQ(reallocarray(block, opaque(std::size_t{0}), 16), nullptr);
      block = malloc(size);
      ASSERT_EQ(__libc_realloc(block, opaque(std::size_t{0})), nullptr);
    }
    EXPECT_LT(ralloc_test::resident_bytes(), before + 32 * kMiB) << size;
  }
}

TEST(ReallocTest, WithinTheUsableSizeStaysInPlace) {
  for (std::size_t size = 1; size < 200000; size += 1 + size / 3) {
    void* block = malloc(size);
    ASSERT_NE(block, nullptr);
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    void* same = realloc(block, malloc_usable_size(block));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(same), address) << size;
    free(same);
  }
}

// A block that shrank for good must not pin what it once was.
TEST(ReallocTest, ShrinkingGivesMemoryBack) {
  const std::size_t before = ralloc_test::resident_bytes();
  std::vector<void*> blocks;
  for (int i = 0; i < 20; ++i) {
    void* block = malloc(8 * kMiB);
    ASSERT_NE(block, nullptr);
    std::memset(block, 1, 8 * kMiB);
    blocks.push_back(block);
  }
  for (void*& block : blocks) ASSERT_NE(block = realloc(block, 100), nullptr);
  malloc_trim(0);
  EXPECT_LT(ralloc_test::resident_bytes(), before + 16 * kMiB);
  for (void* block : blocks) free(block);
}

TEST(ReallocTest, ReallocarrayMultiplies) {
  auto* block = static_cast<char*>(reallocarray(nullptr, 10, 10));
  ASSERT_NE(block, nullptr);
  EXPECT_GE(malloc_usable_size(block), 100u);
  std::memset(block, 'r', 100);
  block = static_cast<char*>(reallocarray(block, 1000, 1000));
  ASSERT_NE(block, nullptr);
  EXPECT_GE(malloc_usable_size(block), 1000000u);
  for (std::size_t i = 0; i < 100; ++i) ASSERT_EQ(block[i], 'r');
  free(block);
}

}  // namespace
