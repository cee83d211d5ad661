// Every size, every alignment, every offset.
#include "global_pool/size_class.h"

#include <gtest/gtest.h>

namespace ralloc {
namespace {

std::size_t block_size(unsigned size_class) { return size_class_info(size_class).block_size; }

constexpr std::size_t kManySpans = 1000;  // with so many a shard's next one is the longest
std::size_t span_bytes(unsigned size_class, std::size_t spans) {
  return std::size_t{span_pages(size_class, spans)} << Config::kPageShift;
}

TEST(SizeClassTest, SizesAscendInGrains) {
  EXPECT_EQ(block_size(0), kGrain);
  EXPECT_EQ(block_size(kSizes - 1), kSmallMost);
  for (unsigned c = 1; c < kSizes; ++c) {
    EXPECT_GT(block_size(c), block_size(c - 1));
    EXPECT_EQ(block_size(c) % kGrain, 0u);
  }
}

TEST(SizeClassTest, EverySizeHasAClassWithoutSlackAndOneWith) {
  EXPECT_EQ(kClasses, 2 * kSizes);
  for (unsigned c = 0; c < kSizes; ++c) {
    EXPECT_EQ(block_size(c + kSizes), block_size(c));
    EXPECT_FALSE(has_slack(c));
    EXPECT_TRUE(has_slack(c + kSizes));
  }
}

TEST(SizeClassTest, ClassesUpToOneKiBAreOneGrainApart) {
  for (unsigned c = 0; c < kFineClasses; ++c) EXPECT_EQ(block_size(c), (c + 1) * kGrain);
  EXPECT_EQ(block_size(kFineClasses - 1), kFineMost);
}

TEST(SizeClassTest, EverySizeGetsTheSmallestBlockThatHoldsIt) {
  for (std::size_t size = 1; size <= kSmallMost; ++size) {
    const unsigned c = size_class_of(size);
    ASSERT_LT(c, kSizes) << size;
    ASSERT_GE(block_size(c), size);
    ASSERT_TRUE(c == 0 || block_size(c - 1) < size) << size;
  }
}

TEST(SizeClassTest, WastesANinthOfABlockUpTo8KiBAndAFifthAbove) {
  for (std::size_t size = kFineMost + 1; size <= kSmallMost; ++size) {
    const std::size_t block = block_size(size_class_of(size));
    ASSERT_LE((block - size) * (size <= 8 * kKiB ? 9 : 5), block) << size;
  }
}

TEST(SizeClassTest, EverySizeGetsTheSmallestAlignedBlockThatHoldsIt) {
  for (std::size_t align = 1; align <= kSmallMost; align *= 2) {
    unsigned smallest = kSizes;  // of those seen, from large to small
    unsigned next = kSizes;      // classes from here on are too large to be missed
    for (std::size_t size = kSmallMost; size >= 1; --size) {
      while (next > 0 && block_size(next - 1) >= size) {
        --next;
        if (block_size(next) % align == 0) smallest = next;
      }
      ASSERT_EQ(size_class_of(size, align), smallest) << size << " at " << align;
    }
  }
}

TEST(SizeClassTest, NoClassAlignsMoreThanItsSize) {
  EXPECT_EQ(size_class_of(kSmallMost, kSmallMost), kSizes - 1);
  EXPECT_EQ(size_class_of(kSmallMost + 1, 16), kSizes);
  EXPECT_EQ(size_class_of(1, kSmallMost * 2), kSizes);
}

TEST(SizeClassTest, BlockIndexIsExactForEveryOffset) {
  for (unsigned c = 0; c < kSizes; ++c) {
    const std::uint32_t size = size_class_info(c).block_size;
    const std::uint32_t reciprocal = size_class_info(c).reciprocal;
    std::uint32_t index = 0;
    std::uint32_t next = size;
    for (std::uint32_t offset = 0; offset < span_bytes(c, kManySpans); ++offset) {
      if (offset == next) {
        ++index;
        next += size;
      }
      // Not ASSERT_EQ: this runs ten million times.
      if (block_index(offset, reciprocal) != index) {
        FAIL() << "offset " << offset << " of class " << c;
      }
    }
  }
}

TEST(SizeClassTest, SpansHoldEnoughBlocksAndLoseLittle) {
  for (unsigned c = 0; c < kClasses; ++c) {
    for (std::size_t spans = 0; spans < 20; ++spans) {
      const std::size_t capacity = span_bytes(c, spans) / block_size(c);
      const std::size_t lost = span_bytes(c, spans) - capacity * block_size(c);
      ASSERT_LE(lost * 100, span_bytes(c, spans) * 9) << c << " with " << spans << " spans";
      EXPECT_GE(capacity, block_size(c) <= 4096 ? 16u : 8u) << c;
    }
  }
}

TEST(SizeClassTest, SpansGrowWithTheirNumberUpTo64Blocks) {
  for (unsigned c = 0; c < kClasses; ++c) {
    EXPECT_EQ(span_pages(c, 0), size_class_info(c).pages);
    for (std::size_t spans = 0; spans < 20; ++spans) {
      EXPECT_LE(span_pages(c, spans), span_pages(c, spans + 1)) << c;
    }
    const std::size_t most = span_bytes(c, kManySpans);
    EXPECT_TRUE(most == span_bytes(c, 0) || most / block_size(c) <= 64) << c;
    EXPECT_TRUE(block_size(c) <= 4096 || most / block_size(c) >= 48) << c;
  }
}

TEST(SizeClassTest, MagazinesFillPowersOfTwoAndKeepTheirLimits) {
  for (unsigned c = 0; c < kClasses; ++c) {
    const SizeClass& info = size_class_info(c);
    EXPECT_TRUE(std::has_single_bit(info.first_room + 1u)) << c;
    EXPECT_TRUE(std::has_single_bit(info.most_room + 1u)) << c;
    EXPECT_TRUE(std::has_single_bit(info.base_room + 1u)) << c;
    EXPECT_LE(info.first_room, info.most_room);
    EXPECT_LE(info.base_room, info.most_room);
    EXPECT_LE(info.most_room, Config::kMagazineBlocks);
    EXPECT_LE(info.most_room * block_size(c), Config::kMagazineBytes);
  }
}

}  // namespace
}  // namespace ralloc
