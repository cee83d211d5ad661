#include "global_pool/live_blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "tests/support/seed.h"

namespace ralloc {
namespace {

using Answer = LiveBlocks::Answer;

// Memory of the test's own stands for blocks; nobody touches it but by its address.
class LiveBlocksTest : public ::testing::Test {
 protected:
  ~LiveBlocksTest() override { debugger::open(memory_.data(), memory_.size()); }
  char* at(std::size_t offset) { return memory_.data() + offset; }

  std::vector<char> memory_ = std::vector<char>(64 * 1024);
  std::unique_ptr<LiveBlocks> table_ = std::make_unique<LiveBlocks>();
};

TEST_F(LiveBlocksTest, KnowsWhatWasAdded) {
  table_->add(at(100), 50, false, 7);
  EXPECT_EQ(table_->bytes(), 50u);
  EXPECT_EQ(table_->are_live(at(100), 50), Answer::kYes);
  EXPECT_EQ(table_->are_live(at(120), 30), Answer::kYes);
  EXPECT_EQ(table_->are_live(at(99), 10), Answer::kNo);
  EXPECT_EQ(table_->are_live(at(120), 31), Answer::kNo);
  const LiveBlocks::Interval found = table_->find(at(149));
  EXPECT_EQ(found.begin, at(100));
  EXPECT_EQ(found.size, 50u);
  EXPECT_EQ(found.stack, 7u);
  EXPECT_EQ(table_->find(at(150)).begin, nullptr);
}

TEST_F(LiveBlocksTest, ForgetsEachByteOnce) {
  table_->add(at(0), 100, false, 0);
  EXPECT_EQ(table_->remove(at(40), 20), Answer::kYes);
  EXPECT_EQ(table_->remove(at(50), 20), Answer::kNo);
  EXPECT_EQ(table_->bytes(), 80u);
  EXPECT_EQ(table_->remove(at(0), 40), Answer::kYes);
  EXPECT_EQ(table_->remove(at(60), 40), Answer::kYes);
  EXPECT_EQ(table_->next(0).begin, nullptr);
}

TEST_F(LiveBlocksTest, ABlockOfNoBytesIsOneToo) {
  table_->add(at(16), 0, false, 0);
  EXPECT_EQ(table_->are_live(at(16), 0), Answer::kYes);
  EXPECT_EQ(table_->are_live(at(17), 0), Answer::kNo);
  EXPECT_EQ(table_->remove(at(16), 0), Answer::kYes);
  EXPECT_EQ(table_->remove(at(16), 0), Answer::kNo);
}

TEST_F(LiveBlocksTest, GrownBytesAreLive) {
  table_->add(at(0), 100, false, 0);
  ASSERT_EQ(table_->remove(at(60), 40), Answer::kYes);
  table_->grow(at(20), 40, 50);
  EXPECT_EQ(table_->are_live(at(0), 70), Answer::kYes);
  EXPECT_EQ(table_->are_live(at(0), 71), Answer::kNo);
  EXPECT_EQ(table_->bytes(), 70u);
}

TEST_F(LiveBlocksTest, KeepsWhoAskedThroughAllCuts) {
  table_->add(at(0), 300, false, 5);
  ASSERT_EQ(table_->remove(at(100), 100), Answer::kYes);
  EXPECT_EQ(table_->find(at(250)).stack, 5u);
  table_->restore(at(100), 100, 5);
  EXPECT_EQ(table_->are_live(at(0), 300), Answer::kYes);
  EXPECT_EQ(table_->remove(at(0), 300), Answer::kYes);
}

TEST_F(LiveBlocksTest, FollowsAModelByTheByte) {
  std::mt19937_64 random(ralloc_test::new_seed());
  std::vector<bool> live(4096);
  std::size_t bytes = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::size_t begin = random() % live.size();
    const std::size_t size = 1 + random() % 64;
    if (begin + size > live.size()) continue;
    bool all = true;
    bool none = true;
    for (std::size_t b = begin; b < begin + size; ++b) (live[b] ? none : all) = false;
    ASSERT_EQ(table_->are_live(at(begin), size), all ? Answer::kYes : Answer::kNo);
    if (none) {
      table_->add(at(begin), size, false, 0);
      bytes += size;
    } else {
      ASSERT_EQ(table_->remove(at(begin), size), all ? Answer::kYes : Answer::kNo);
      if (all) bytes -= size;
    }
    if (none || all) std::fill_n(live.begin() + std::ptrdiff_t(begin), size, none);
    ASSERT_EQ(table_->bytes(), bytes);
  }
  // The walk finds all of them, in order.
  std::size_t found = 0;
  const char* last = nullptr;
  for (auto one = table_->next(0); one.begin != nullptr;
       one = table_->next(reinterpret_cast<std::uintptr_t>(one.begin) + 1)) {
    ASSERT_LT(last, one.begin);
    last = static_cast<char*>(one.begin);
    found += one.size;
  }
  EXPECT_EQ(found, bytes);
}

}  // namespace
}  // namespace ralloc
