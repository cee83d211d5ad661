// Blocks that are split, and parts that are freed, resized and merged.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ralloc/ralloc.h"
#include "tests/support/blocks.h"
#include "tests/support/build.h"
#include "tests/support/child.h"
#include "tests/support/process.h"
#include "tests/support/seed.h"
#include "tests/support/threads.h"

namespace {

using namespace ralloc_test;
using ralloc::Block;

TEST(BlockPartsTest, IsSplitWhereItIsSaid) {
  for (const std::size_t size : kBlockSizes) {
    for (const std::size_t first : {std::size_t{16}, size / 2, size - 1}) {
      Block head = Block::alloc(size, 64);
      fill(head, 5);
      const Block tail = head.split(first);
      EXPECT_EQ(head.size(), first);
      EXPECT_EQ(head.align(), 64u);
      EXPECT_EQ(tail.data(), at(head, first));
      EXPECT_EQ(tail.size(), size - first);
      EXPECT_TRUE(is_filled(head.data(), size, 5));
    }
  }
}

TEST(BlockPartsTest, HasPartsAsAlignedAsTheyCanBe) {
  Block block = Block::alloc(1000, 96);
  const Block third = block.split(960);
  const Block second = block.split(200);
  EXPECT_EQ(third.align(), 96u);
  EXPECT_EQ(second.align(), 8u);
  EXPECT_TRUE(is_aligned(third) && is_aligned(second) && is_aligned(block));
}

TEST(BlockPartsTest, HasPartsThatAreFreedInAnyOrder) {
  for (const std::size_t size : kBlockSizes) {
    std::vector<int> order = {0, 1, 2};
    do {
      std::vector<Block> parts(3);
      parts[0] = Block::alloc(size);
      parts[2] = parts[0].split(size - 5);
      if (parts[0].size() >= 32) parts[1] = parts[0].split(parts[0].size() - 16);
      for (int i = 0; i < 3; ++i) fill(parts[i], i);
      for (const int i : order) {
        EXPECT_TRUE(is_filled(parts[i].data(), parts[i].size(), (unsigned char)i));
        parts[i].free();
      }
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST(BlockPartsTest, HasPartsThatThreadsFree) {
  for (int round = 0; round < 200; ++round) {
    std::vector<Block> parts(2);
    parts[0] = Block::alloc(200, 1);
    parts[1] = parts[0].split(100);
    in_threads(2, [&](unsigned thread) { parts[thread].free(); });
  }
}

TEST(BlockPartsTest, IsJoinedFromNeighboursInEitherOrder) {
  for (const std::size_t size : kBlockSizes) {
    Block head = Block::alloc(size, 128);
    fill(head, 6);
    void* const data = head.data();
    Block tail = head.split(16);
    tail = head.merge(std::move(tail));
    EXPECT_TRUE(is_empty(tail));
    EXPECT_EQ(head.size(), size);
    tail = head.split(16);
    head = tail.merge(std::move(head));
    EXPECT_TRUE(is_empty(head));
    EXPECT_EQ(tail.data(), data);
    EXPECT_EQ(tail.size(), size);
    EXPECT_EQ(tail.align(), 128u);
    EXPECT_TRUE(is_filled(data, size, 6));
  }
}

TEST(BlockPartsTest, IsNotJoinedAcrossAGap) {
  Block first = Block::alloc(300);
  Block third = first.split(200);
  Block second = first.split(100);
  void* const data = third.data();
  third = first.merge(std::move(third));
  EXPECT_EQ(first.size(), 100u);
  EXPECT_EQ(third.size(), 100u);
  EXPECT_EQ(third.data(), data);
  second = first.merge(std::move(second));
  third = first.merge(std::move(third));
  EXPECT_TRUE(is_empty(second) && is_empty(third));
  EXPECT_EQ(first.size(), 300u);
}

TEST(BlockPartsTest, IsNotJoinedWithAnotherBlock) {
  // Among as many, some are neighbours.
  std::vector<Block> blocks(64);
  for (Block& block : blocks) block = Block::alloc(64);
  int neighbours = 0;
  for (Block& one : blocks) {
    for (Block& other : blocks) {
      if (at(one, one.size()) == other.data()) ++neighbours;
      other = one.merge(std::move(other));
      EXPECT_EQ(one.size(), 64u);
      EXPECT_EQ(other.size(), 64u);
    }
  }
  EXPECT_TRUE(neighbours > 0 || ralloc_test::kExactSizes);  // there something is between
  // Nor are their parts.
  std::vector<Block> tails;
  for (Block& block : blocks) tails.push_back(block.split(32));
  for (Block& tail : tails) {
    for (Block& block : blocks) block = tail.merge(std::move(block));
    EXPECT_EQ(tail.size(), 64u);
  }
  for (Block& block : blocks) EXPECT_TRUE(is_empty(block));
}

TEST(BlockPartsTest, IsNotJoinedWithItselfNorWithNothing) {
  Block block = Block::alloc(100);
  Block none;
  none = block.merge(std::move(none));
  EXPECT_TRUE(is_empty(none));
  EXPECT_EQ(block.size(), 100u);
  Block& same = opaque(&block)[0];
  same = block.merge(std::move(same));
  EXPECT_EQ(same.size(), 100u);
  none.swap(same);
  none = same.merge(std::move(none));
  EXPECT_EQ(none.size(), 100u);
}

TEST(BlockPartsTest, IsNoPartOfItsBlockOnceItMoved) {
  Block head = Block::alloc(300);
  Block tail = head.split(100);
  tail.resize(100'000);
  tail = head.merge(std::move(tail));
  EXPECT_EQ(tail.size(), 100'000u);
  Block rest = tail.split(50'000);
  rest = head.merge(std::move(rest));
  EXPECT_EQ(rest.size(), 50'000u);
  rest = tail.merge(std::move(rest));
  EXPECT_TRUE(is_empty(rest));
}

TEST(BlockPartsTest, EndsABlockOnceItMoved) {
  if (ralloc_test::kSecureBuild) GTEST_SKIP() << "which does not use a block again at once";
  Block low = Block::alloc(5000);
  Block high = Block::alloc(6000);
  if (low.data() > high.data()) low.swap(high);
  Block part = high.split(3000);
  const std::size_t size = low.size();
  void* const place = low.data();
  low.free();
  part.resize(size);
  ASSERT_EQ(part.data(), place);
  const Block last = part.split(size - 5);
  EXPECT_EQ(last.size(), 5u);
}

TEST(BlockPartsTest, IsNotJoinedWithWhatWasAdopted) {
  Block head = Block::alloc(1005);
  ASSERT_TRUE(head.inplace_resize(900));
  ASSERT_TRUE(head.inplace_resize(1005));
  Block tail = head.split(1000);
  head = Block::adopt(head.release());
  tail = head.merge(std::move(tail));
  EXPECT_EQ(tail.size(), 5u);
  // Nor if it had all the addresses that the other was split from.
  ASSERT_TRUE(head.inplace_resize(900));
  ASSERT_TRUE(head.inplace_resize(1000));
  tail = head.merge(std::move(tail));
  EXPECT_EQ(tail.size(), 5u);
}

TEST(BlockPartsTest, IsResizedAsAPart) {
  Block head = Block::alloc(5000);
  Block tail = head.split(2000);
  fill(head, 1);
  fill(tail, 2);
  EXPECT_TRUE(head.inplace_resize(1000));
  EXPECT_TRUE(head.inplace_resize(2000));
  EXPECT_FALSE(head.inplace_resize(2001));
  EXPECT_TRUE(is_filled(head.data(), 1000, 1));
  tail.resize(40'000);
  EXPECT_TRUE(is_filled(tail.data(), 3000, 2));
}

TEST(BlockPartsTest, AreCutAtAnyByte) {
  Block block = Block::alloc(100);
  Block last = block.split(99);
  Block tail = block.split(1);
  EXPECT_EQ(block.size() + tail.size() + last.size(), 100u);
}

TEST(BlockPartsDeathTest, SplitsThatLeaveNoPartAreFatal) {
  Block block = Block::alloc(100);
  for (const std::size_t place : {0, 100, 101}) {
    EXPECT_DEATH_SAYING((void)block.split(place),
                        "ralloc: split of " + hex(block.data()) + " at a place that is not inside of it")
        << place;
  }
}

// --- At random ---------------------------------------------------------------------------------

// Parts of blocks, each filled with a byte of its own.
class Parts {
 public:
  explicit Parts(std::uint64_t seed) : random_(seed) {}

  void step() {
    if (parts_.size() < 20 && (parts_.empty() || random_.below(4) == 0)) return alloc();
    Part& part = parts_[random_.below(parts_.size())];
    ASSERT_TRUE(is_filled(part.block.data(), part.block.size(), part.value));
    switch (random_.below(6)) {
      case 0: return free(part);
      case 1: return resize(part);
      case 2: return shrink(part);
      case 3: return merge(part);
      default: return split(part);
    }
  }

 private:
  struct Part {
    Block block;
    unsigned char value;
  };

  std::size_t some_size() { return 1 + random_.below(std::size_t{16} << random_.below(14)); }
  Part with_value(Block block) {
    const auto value = (unsigned char)(random_.next());
    fill(block, value);
    return {std::move(block), value};
  }

  void alloc() {
    const std::size_t size = some_size();
    parts_.push_back(with_value(Block::alloc(size, 1 + random_.below(200))));
  }
  void free(Part& part) {
    std::swap(part, parts_.back());
    parts_.pop_back();
  }
  void resize(Part& part) {
    const std::size_t before = part.block.size();
    part.block.resize(some_size());
    ASSERT_TRUE(is_aligned(part.block));
    ASSERT_TRUE(is_filled(part.block.data(), std::min(before, part.block.size()), part.value));
    fill(part.block, part.value);
  }
  // At least 16 bytes stay: what is left may be in the middle of its block.
  void shrink(Part& part) {
    if (part.block.size() < 48) return;
    const std::size_t size = 16 + random_.below(part.block.size() - 32);
    ASSERT_TRUE(part.block.inplace_resize(size));
  }
  void split(Part& part) {
    if (part.block.size() < 32) return;
    const std::size_t place = 16 + random_.below(part.block.size() - 31);
    parts_.push_back(with_value(part.block.split(place)));
  }
  void merge(Part& part) {
    for (Part& other : parts_) {
      const std::size_t both = part.block.size() + other.block.size();
      other.block = part.block.merge(std::move(other.block));
      if (!is_empty(other.block)) continue;
      ASSERT_EQ(part.block.size(), both);
      fill(part.block, part.value);
      return free(other);
    }
  }

  Random random_;
  std::vector<Part> parts_;
};

TEST(BlockPartsTest, KeepsTheBytesOfEachPartAtRandom) {
  const std::uint64_t seed = new_seed();
  in_threads(2, [seed](unsigned thread) {
    Parts parts(seed + thread);
    for (int i = 0; i < 20'000 && !testing::Test::HasFailure(); ++i) parts.step();
  });
}

}  // namespace
