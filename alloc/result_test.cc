// Results: a value or an error, and what is done with each.
#include <gtest/gtest.h>

#include <memory>
#include <type_traits>
#include <utility>

#include "ralloc/ralloc.h"
#include "tests/support/child.h"
#include "tests/support/process.h"

namespace {

using ralloc::AllocError;
using ralloc::Result;
using Owner = std::shared_ptr<int>;

static_assert(!std::is_copy_constructible_v<Result<int>>);
static_assert(!std::is_convertible_v<Result<int>, bool>);
static_assert(!std::is_convertible_v<Result<void>, bool>);

TEST(ResultTest, HasTheValueThatItWasMadeOf) {
  Result<int> result(42);
  EXPECT_TRUE(result.has_value());
  if (!result) return;
  EXPECT_EQ(result.value(), 42);
  EXPECT_EQ(*result, 42);
  *result = 43;
  EXPECT_EQ(std::move(result).value(), 43);
  const Result<int> constant(44);
  EXPECT_EQ(constant.value(), 44);
  EXPECT_EQ(*constant, 44);
}

TEST(ResultTest, HasTheErrorThatItWasMadeOf) {
  for (const AllocError error : {AllocError::kExhausted, AllocError::kImpossible}) {
    Result<int> result(error);
    EXPECT_FALSE(result.has_value());
    EXPECT_EQ(result.error(), error);
    Result<void> nothing(error);
    EXPECT_FALSE(nothing);
    EXPECT_EQ(nothing.error(), error);
  }
  EXPECT_TRUE(Result<void>());
}

TEST(ResultTest, ReachesMembersOfTheValue) {
  Result<std::pair<int, int>> result({1, 2});
  if (!result) FAIL();
  EXPECT_EQ(result->second, 2);
  const Result<std::pair<int, int>> constant({1, 2});
  EXPECT_EQ(constant->first, 1);
}

TEST(ResultTest, MovesValuesThatCannotBeCopied) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(5));
  Result<std::unique_ptr<int>> moved(std::move(result));
  if (!moved) FAIL();
  const std::unique_ptr<int> value = *std::move(moved);
  EXPECT_EQ(*value, 5);
}

TEST(ResultTest, DestroysItsValueOnce) {
  const Owner owner = std::make_shared<int>(1);
  {
    Result<Owner> result(owner);
    EXPECT_EQ(owner.use_count(), 2);
    Result<Owner> moved(std::move(result));
    EXPECT_EQ(owner.use_count(), 2);
  }
  EXPECT_EQ(owner.use_count(), 1);
}

TEST(ResultTest, GivesAnotherValueInPlaceOfAnError) {
  EXPECT_EQ(Result<int>(1).value_or(2), 1);
  EXPECT_EQ(Result<int>(AllocError::kExhausted).value_or(2), 2);
}

TEST(ResultDeathTest, ValuesOfErrorsAreFatal) {
  static Result<int> result(AllocError::kExhausted);
  const std::string sentence =
      "ralloc: value asked of the result " + ralloc_test::hex(&result) + ", which is an error";
  // By reference to a pointer, which the compiler's analysis does not follow.
  Result<int>* const unasked = ralloc_test::opaque(&result);
  EXPECT_DEATH_SAYING((void)unasked->value(), sentence);
  EXPECT_DEATH_SAYING((void)**unasked, sentence);
  EXPECT_DEATH_SAYING((void)std::move(*unasked).value(), sentence);
}

}  // namespace
