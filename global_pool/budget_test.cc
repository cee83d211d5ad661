// Never more is drawn than there is, whoever draws.
#include "global_pool/budget.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "shim/sync.h"
#include "tests/support/process.h"
#include "tests/support/threads.h"

namespace ralloc {
namespace {

using Bytes = Budget<StdSync>;

TEST(BudgetTest, MoreMayBeDrawnThanThereIsFromNowOn) {
  Bytes budget;
  EXPECT_TRUE(budget.draw(100, 100));
  EXPECT_FALSE(budget.draw(1, 50));
  EXPECT_FALSE(budget.draw(0, 50));
  budget.put_back(60);
  EXPECT_TRUE(budget.draw(10, 50));
}

TEST(BudgetTest, GivesAllOfItAndNoMore) {
  Bytes budget;
  EXPECT_TRUE(budget.draw(60, 100));
  EXPECT_TRUE(budget.draw(40, 100));
  EXPECT_FALSE(budget.draw(1, 100));
  EXPECT_TRUE(budget.draw(0, 100));
  EXPECT_EQ(budget.drawn(), 100u);
}

TEST(BudgetTest, RefusalDrawsNothing) {
  Bytes budget;
  EXPECT_TRUE(budget.draw(60, 100));
  EXPECT_FALSE(budget.draw(41, 100));
  EXPECT_EQ(budget.drawn(), 60u);
  EXPECT_TRUE(budget.draw(40, 100));
}

TEST(BudgetTest, WhatIsPutBackCanBeDrawnAgain) {
  Bytes budget;
  EXPECT_TRUE(budget.draw(100, 100));
  budget.put_back(30);
  EXPECT_FALSE(budget.draw(31, 100));
  EXPECT_TRUE(budget.draw(30, 100));
}

TEST(BudgetTest, HugeDrawsDoNotWrapAround) {
  Bytes budget;
  EXPECT_TRUE(budget.draw(50, 100));
  EXPECT_FALSE(budget.draw(SIZE_MAX, 100));
  EXPECT_FALSE(budget.draw(SIZE_MAX - 49, 100));
  EXPECT_EQ(budget.drawn(), 50u);
}

TEST(BudgetTest, ThreadsTogetherDrawNoMoreThanThereIs) {
  constexpr std::size_t kMost = 1000;
  Bytes budget;
  std::size_t drawn[4] = {};
  ralloc_test::in_threads(4, [&](unsigned i) {
    ralloc_test::Random random(i);
    for (int step = 0; step < 20000; ++step) {
      const std::size_t bytes = random.below(400);
      if (random.below(2) == 0) {
        if (budget.draw(bytes, kMost)) drawn[i] += bytes;
      } else if (bytes <= drawn[i]) {
        drawn[i] -= bytes;
        budget.put_back(bytes);
      }
      EXPECT_LE(budget.drawn(), kMost);
    }
  });
  EXPECT_EQ(budget.drawn(), drawn[0] + drawn[1] + drawn[2] + drawn[3]);
}

}  // namespace
}  // namespace ralloc
