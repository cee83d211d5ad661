#include "global_pool/call_stacks.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

namespace ralloc {
namespace {

void* frame(std::uintptr_t number) { return reinterpret_cast<void*>(number); }

TEST(CallStacksTest, GivesEachStackOneNumber) {
  const auto stacks = std::make_unique<CallStacks>();
  void* const one[] = {frame(1), frame(2), frame(3)};
  void* const other[] = {frame(1), frame(2), frame(4)};
  const std::uint32_t number = stacks->number_of(one, 3);
  EXPECT_NE(number, 0u);
  EXPECT_NE(stacks->number_of(other, 3), number);
  EXPECT_NE(stacks->number_of(one, 2), number);
  EXPECT_EQ(stacks->number_of(one, 3), number);
  EXPECT_EQ(stacks->at(number).count, 3u);
  EXPECT_EQ(std::memcmp(stacks->at(number).frames, one, sizeof one), 0);
}

TEST(CallStacksTest, NoFramesAreNoStack) {
  EXPECT_EQ(std::make_unique<CallStacks>()->number_of(nullptr, 0), 0u);
}

TEST(CallStacksTest, EndsWhereItIsFull) {
  const auto stacks = std::make_unique<CallStacks>();
  std::uint32_t last = 0;
  for (std::uintptr_t i = 1; i < CallStacks::kMost + 10; ++i) {
    void* const one = frame(i);
    const std::uint32_t number = stacks->number_of(&one, 1);
    if (number == 0) break;
    ASSERT_EQ(number, last + 1);
    last = number;
  }
  EXPECT_EQ(last, CallStacks::kMost - 1);
  void* const first = frame(1);
  EXPECT_EQ(stacks->number_of(&first, 1), 1u);
}

}  // namespace
}  // namespace ralloc
