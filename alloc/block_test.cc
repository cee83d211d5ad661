// Blocks that can only be moved: each is freed once, wherever it went.
#include "ralloc/block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "alloc/allocator.h"
#include "ralloc/ralloc.h"
#include "tests/support/blocks.h"
#include "tests/support/build.h"
#include "tests/support/process.h"

namespace {

using namespace ralloc_test;
using ralloc::AllocError;
using ralloc::Block;
using ralloc::RawBlock;
using ralloc::Result;

static_assert(!std::is_copy_constructible_v<Block> && !std::is_copy_assignable_v<Block>);
static_assert(std::is_nothrow_move_constructible_v<Block>);
static_assert(std::is_nothrow_move_assignable_v<Block>);

// Whether the block that lay there was freed: it is the next of its size; where none is used again
// at once, its state says so.
bool was_freed(const void* place, std::size_t size) {
  if constexpr (ralloc::Defences::kStates) {
    return ralloc::block_states.state_of(place).kind() == ralloc::BlockState::kFree;
  }
  return Block::alloc(size).data() == place;
}

// Of blocks that may be empty, which the compiler's analysis would refuse where it knows.
bool resized_in_place(Block& block, std::size_t size) { return block.inplace_resize(size); }
Result<void> resized(Block& block, std::size_t size) { return block.try_resize(size); }

TEST(BlockTest, HasWhatWasAskedFor) {
  for (const std::size_t size : kBlockSizes) {
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
    // The security build takes others first.
    if constexpr (!ralloc_test::kSecureBuild) {
      EXPECT_EQ(again.data(), was);
    }
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
  EXPECT_TRUE(was_freed(was, 100));
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
  EXPECT_TRUE(was_freed(was, 100));
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

TEST(BlockTest, IsResized) {
  for (const std::size_t from : kBlockSizes) {
    for (const std::size_t to : kBlockSizes) {
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
  for (const std::size_t size : kBlockSizes) {
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

TEST(BlockTest, IsEmptyAfterItShrankToNothing) {
  Block block = Block::alloc(100);
  void* const was = block.data();
  EXPECT_TRUE(block.inplace_resize(0));
  EXPECT_TRUE(is_empty(block));
  EXPECT_TRUE(was_freed(was, 100));
}

TEST(BlockTest, IsAllocatedWhereAnEmptyOneGrows) {
  Block block;
  EXPECT_FALSE(resized_in_place(block, 100));
  Result<void> done = resized(block, 100);
  EXPECT_TRUE(done);
  fill(block, 1);
  EXPECT_EQ(block.size(), 100u);
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

}  // namespace
