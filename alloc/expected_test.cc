// Results become std::expected, where the library has it.
#include <gtest/gtest.h>

#include <expected>
#include <utility>

#include "ralloc/ralloc.h"
#include "tests/support/process.h"

namespace {

using ralloc::AllocError;
using ralloc::Block;
using ralloc::Result;

TEST(ExpectedTest, TakesTheValueOfAResult) {
  std::expected<Block, AllocError> block = Block::try_alloc(100);
  ASSERT_TRUE(block.has_value());
  EXPECT_EQ(block->size(), 100u);
  std::expected<int, AllocError> number(Result<int>(42));
  EXPECT_EQ(number.value(), 42);
}

TEST(ExpectedTest, TakesTheErrorOfAResult) {
  std::expected<Block, AllocError> block = Block::try_alloc(ralloc_test::opaque(SIZE_MAX));
  ASSERT_FALSE(block.has_value());
  EXPECT_EQ(block.error(), AllocError::kImpossible);
}

TEST(ExpectedTest, TakesAResultOfNothing) {
  Block block = Block::alloc(100);
  std::expected<void, AllocError> done = block.try_resize(200);
  EXPECT_TRUE(done.has_value());
  done = block.try_resize(ralloc_test::opaque(SIZE_MAX));
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error(), AllocError::kImpossible);
}

TEST(ExpectedTest, IsReturnedForAResult) {
  const auto alloc = [](std::size_t size) -> std::expected<Block, AllocError> {
    Result<Block> result = Block::try_alloc(size);
    return result;
  };
  EXPECT_EQ(alloc(100)->size(), 100u);
}

TEST(ExpectedTest, TakesNoResultOfAnotherKind) {
  static_assert(!std::is_convertible_v<Result<Block>, std::expected<int, AllocError>>);
  static_assert(!std::is_convertible_v<Result<int>, std::expected<int, int>>);
}

}  // namespace
