// Which blocks a thread knows to grow, and which of them may have pages.
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

TEST(GrowingTest, OneHasPagesUntilItIsGoneOrFillsThem) {
  Growing growing;
  const auto stays = [](const void*) { return false; };
  EXPECT_TRUE(growing.may_have_pages(stays));
  growing.give_pages(&blocks[0]);
  EXPECT_TRUE(growing.has_pages(&blocks[0]));
  EXPECT_FALSE(growing.has_pages(&blocks[1]));
  EXPECT_FALSE(growing.may_have_pages(stays));
  EXPECT_TRUE(growing.may_have_pages([](const void* block) { return block == &blocks[0]; }));
  growing.fills_pages(&blocks[1]);
  EXPECT_FALSE(growing.may_have_pages(stays)) << "that was another";
  growing.fills_pages(&blocks[0]);
  EXPECT_TRUE(growing.may_have_pages(stays));
}

TEST(GrowingTest, OneThatCameToStayKeepsOthersFromPagesForAWhile) {
  Growing growing;
  const auto stays = [](const void*) { return false; };
  for (int turn = 0; turn < 3; ++turn) {
    growing.give_pages(&blocks[turn]);
    for (int i = 1; i < 256; ++i) EXPECT_FALSE(growing.may_have_pages(stays));
    EXPECT_TRUE(growing.may_have_pages(stays));
  }
}

}  // namespace
}  // namespace ralloc
