// Blocks that can only be moved: each is freed once, whole, in parts, or after it was joined.
#include "ralloc/block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "ralloc/ralloc.h"
#include "tests/support/child.h"
#include "tests/support/process.h"
#include "tests/support/seed.h"
#include "tests/support/threads.h"

namespace {

using ralloc::AllocError;
using ralloc::Block;
using ralloc::RawBlock;
using ralloc::Result;
using ralloc_test::hex;
using ralloc_test::is_filled;
using ralloc_test::opaque;

static_assert(!std::is_copy_constructible_v<Block> && !std::is_copy_assignable_v<Block>);
static_assert(std::is_nothrow_move_constructible_v<Block>);
static_assert(std::is_nothrow_move_assignable_v<Block>);

constexpr std::size_t kSizes[] = {32, 100, 1024, 1025, 5000, 32768, 32769, 1'000'000};

char* at(const Block& block, std::size_t offset) {
  return static_cast<char*>(block.data()) + offset;
}
bool is_aligned(const Block& block) {
  return reinterpret_cast<std::uintptr_t>(block.data()) % block.align() == 0;
}
bool is_empty(const Block& block) {
  const bool has_memory{block};
  return !has_memory && block.data() == nullptr && block.size() == 0;
}
void fill(const Block& block, int value) { std::memset(block.data(), value, block.size()); }

TEST(BlockTest, HasWhatWasAskedFor) {
  for (const std::size_t size : kSizes) {
    for (const std::size_t align : {1, 16, 64, 4096, 3, 48, 1000, 12288}) {
      const Block block = Block::alloc(size, align);
      EXPECT_TRUE(block);
      EXPECT_EQ(block.size(), size);
      EXPECT_EQ(block.align(), align);
      EXPECT_TRUE(is_aligned(block)) << size << " at " << align;
      fill(block, 1);
    }
  }
}

TEST(BlockTest, IsEmptyWithoutMemory) {
  const Block block;
  EXPECT_TRUE(is_empty(block));
}

TEST(BlockTest, OfNoBytesIsABlock) {
  Block block = Block::alloc(0);
  EXPECT_TRUE(block);
  block.resize(50);
  fill(block, 1);
  block.resize(0);
  EXPECT_TRUE(block);
}

TEST(BlockTest, IsFreedAtTheEndOfItsScope) {
  for (const std::size_t size : {32, 1000, 5000, 32768}) {
    void* was;
    {
      const Block block = Block::alloc(size);
      was = block.data();
    }
    const Block again = Block::alloc(size);
    EXPECT_EQ(again.data(), was);
  }
}

TEST(BlockTest, IsMovedWithItsMemory) {
  Block from = Block::alloc(100, 64);
  void* const data = from.data();
  Block to = std::move(from);
  EXPECT_TRUE(is_empty(from));
  EXPECT_EQ(to.data(), data);
  EXPECT_EQ(to.size(), 100u);
  EXPECT_EQ(to.align(), 64u);
}

TEST(BlockTest, IsFreedWhenAnotherIsAssigned) {
  Block block = Block::alloc(100);
  void* const was = block.data();
  Block other = Block::alloc(5000);
  void* const data = other.data();
  block = std::move(other);
  EXPECT_TRUE(is_empty(other));
  EXPECT_EQ(block.data(), data);
  const Block again = Block::alloc(100);
  EXPECT_EQ(again.data(), was);
}

TEST(BlockTest, OutlivesTheAssignmentToItself) {
  Block block = Block::alloc(100);
  Block& same = opaque(&block)[0];
  fill(block, 7);
  block = std::move(same);
  EXPECT_EQ(same.size(), 100u);
  EXPECT_TRUE(is_filled(same.data(), 100, 7));
}

TEST(BlockTest, IsFreedWhereItIsSaid) {
  Block block = Block::alloc(100);
  void* const was = block.data();
  block.free();
  EXPECT_TRUE(is_empty(block));
  const Block again = Block::alloc(100);
  EXPECT_EQ(again.data(), was);
}

TEST(BlockTest, IsReleasedAndAdopted) {
  Block block = Block::alloc(100, 64);
  fill(block, 3);
  const RawBlock raw = block.release();
  EXPECT_TRUE(is_empty(block));
  EXPECT_EQ(raw.size, 100u);
  EXPECT_EQ(raw.align, 64u);
  EXPECT_TRUE(is_filled(raw.ptr, 100, 3));
  const Block adopted = Block::adopt(raw);
  EXPECT_EQ(adopted.data(), raw.ptr);
  EXPECT_EQ(adopted.size(), 100u);
  EXPECT_EQ(adopted.align(), 64u);
}

TEST(BlockTest, IsAnErrorWhereItCannotBe) {
  EXPECT_EQ(Block::try_alloc(opaque(SIZE_MAX)).error(), AllocError::kImpossible);
  EXPECT_EQ(Block::try_alloc(1, opaque(std::size_t{1} << 63)).error(), AllocError::kImpossible);
  EXPECT_EQ(Block::try_alloc(opaque(std::size_t{1} << 47)).error(), AllocError::kExhausted);
  Result<Block> result = Block::try_alloc(100, 256);
  if (!result) FAIL();
  EXPECT_TRUE(is_aligned(*result));
  EXPECT_EQ(result->size(), 100u);
}

TEST(BlockTest, IsSplitWhereItIsSaid) {
  for (const std::size_t size : kSizes) {
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

TEST(BlockTest, HasPartsAsAlignedAsTheyCanBe) {
  Block block = Block::alloc(1000, 96);
  const Block third = block.split(960);
  const Block second = block.split(200);
  EXPECT_EQ(third.align(), 96u);
  EXPECT_EQ(second.align(), 8u);
  EXPECT_TRUE(is_aligned(third) && is_aligned(second) && is_aligned(block));
}

TEST(BlockTest, HasPartsThatAreFreedInAnyOrder) {
  for (const std::size_t size : kSizes) {
    std::vector<int> order = {0, 1, 2};
    do {
      std::vector<Block> parts(3);
      parts[0] = Block::alloc(size);
      parts[2] = parts[0].split(size - 5);
      if (parts[0].size() >= 32) parts[1] = parts[0].split(parts[0].size() - 16);
      for (int i = 0; i < 3; ++i) std::memset(parts[i].data(), i, parts[i].size());
      for (const int i : order) {
        EXPECT_TRUE(is_filled(parts[i].data(), parts[i].size(), (unsigned char)i));
        parts[i].free();
      }
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST(BlockTest, HasPartsThatThreadsFree) {
  for (int round = 0; round < 200; ++round) {
    std::vector<Block> parts(2);
    parts[0] = Block::alloc(200, 1);
    parts[1] = parts[0].split(100);
    ralloc_test::in_threads(2, [&](unsigned thread) { parts[thread].free(); });
  }
}

TEST(BlockTest, IsJoinedFromNeighboursInEitherOrder) {
  for (const std::size_t size : kSizes) {
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

TEST(BlockTest, IsNotJoinedAcrossAGap) {
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

TEST(BlockTest, IsNotJoinedWithAnotherBlock) {
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
  EXPECT_GT(neighbours, 0);
  // Nor are their parts.
  std::vector<Block> tails;
  for (Block& block : blocks) tails.push_back(block.split(32));
  for (Block& tail : tails) {
    for (Block& block : blocks) block = tail.merge(std::move(block));
    EXPECT_EQ(tail.size(), 64u);
  }
  for (Block& block : blocks) EXPECT_TRUE(is_empty(block));
}

TEST(BlockTest, IsNotJoinedWithItselfNorWithNothing) {
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

TEST(BlockTest, IsNoPartOfItsBlockOnceItMoved) {
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

TEST(BlockTest, IsResized) {
  for (const std::size_t from : kSizes) {
    for (const std::size_t to : kSizes) {
      Block block = Block::alloc(from, 96);
      fill(block, 9);
      block.resize(to);
      EXPECT_EQ(block.size(), to);
      EXPECT_TRUE(is_aligned(block));
      EXPECT_TRUE(is_filled(block.data(), std::min(from, to), 9));
      Result<void> done = block.try_resize(from);
      EXPECT_TRUE(done);
      EXPECT_EQ(block.size(), from);
      EXPECT_TRUE(is_filled(block.data(), std::min(from, to), 9));
      fill(block, 1);
    }
  }
}

TEST(BlockTest, IsAsItWasWhereItCannotBeResized) {
  Block block = Block::alloc(100);
  fill(block, 9);
  void* const data = block.data();
  EXPECT_EQ(block.try_resize(opaque(SIZE_MAX)).error(), AllocError::kImpossible);
  EXPECT_EQ(block.try_resize(opaque(std::size_t{1} << 47)).error(), AllocError::kExhausted);
  EXPECT_FALSE(block.inplace_resize(1'000'000));
  EXPECT_FALSE(block.inplace_resize_at_least(1'000'000, 2'000'000));
  EXPECT_EQ(block.data(), data);
  EXPECT_EQ(block.size(), 100u);
  EXPECT_TRUE(is_filled(data, 100, 9));
}

TEST(BlockTest, IsResizedInPlace) {
  for (const std::size_t size : kSizes) {
    Block block = Block::alloc(size);
    fill(block, 9);
    void* const data = block.data();
    EXPECT_TRUE(block.inplace_resize(size / 2));
    EXPECT_EQ(block.size(), size / 2);
    EXPECT_TRUE(block.inplace_resize_at_least(size / 2, size)) << size;
    EXPECT_GE(block.size(), size / 2);
    EXPECT_LE(block.size(), size);
    EXPECT_EQ(block.data(), data);
    EXPECT_TRUE(is_filled(data, size / 2, 9));
    fill(block, 1);
  }
}

TEST(BlockTest, IsResizedAsAPart) {
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

TEST(BlockTest, IsSwapped) {
  Block a = Block::alloc(100, 64);
  Block b = Block::alloc(200, 3);
  a.swap(b);
  EXPECT_EQ(a.size(), 200u);
  EXPECT_EQ(a.align(), 3u);
  EXPECT_EQ(b.size(), 100u);
  EXPECT_EQ(b.align(), 64u);
}

TEST(BlockDeathTest, SplitsThatLeaveNoPartAreFatal) {
  Block block = Block::alloc(100);
  const std::string sentence = "ralloc: split of " + hex(block.data()) +
                               " at a place that leaves no part, or too small a part";
  for (const std::size_t place : {0, 1, 15, 100, 101}) {
    EXPECT_DEATH_SAYING((void)block.split(place), sentence) << place;
  }
  // The tail would not end the block.
  Block tail = block.split(50);
  EXPECT_DEATH_SAYING((void)block.split(40), sentence);
  EXPECT_DEATH_SAYING((void)block.split(35), sentence);
  Block middle = block.split(34);
  Block last = tail.split(45);
  EXPECT_EQ(last.size(), 5u);
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

  ralloc_test::Random random_;
  std::vector<Part> parts_;
};

TEST(BlockTest, KeepsTheBytesOfEachPartAtRandom) {
  const std::uint64_t seed = ralloc_test::new_seed();
  ralloc_test::in_threads(2, [seed](unsigned thread) {
    Parts parts(seed + thread);
    for (int i = 0; i < 20'000 && !testing::Test::HasFailure(); ++i) parts.step();
  });
}

}  // namespace
