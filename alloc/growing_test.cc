// Which blocks a thread knows to grow.
#include "alloc/growing.h"

#include <gtest/gtest.h>

namespace ralloc {
namespace {

const char blocks[8] = {};

TEST(GrowingTest, KnowsTheLastFourWhereverTheyWent) {
  Growing growing;
  EXPECT_FALSE(growing.knows(&blocks[0]));
  for (int i = 0; i < 4; ++i) growing.moved(&blocks[7], &blocks[i]);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(growing.knows(&blocks[i])) << i;
  growing.moved(&blocks[0], &blocks[4]);
  EXPECT_FALSE(growing.knows(&blocks[0])) << "it is elsewhere";
  for (int i = 1; i < 5; ++i) EXPECT_TRUE(growing.knows(&blocks[i])) << i;
  growing.moved(&blocks[6], &blocks[5]);
  EXPECT_FALSE(growing.knows(&blocks[4])) << "the first of them makes room";
  for (const int i : {1, 2, 3, 5}) EXPECT_TRUE(growing.knows(&blocks[i])) << i;
}

}  // namespace
}  // namespace ralloc
