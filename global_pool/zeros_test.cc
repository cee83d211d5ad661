// Zeros in blocks of every size: no byte is forgotten, and none behind is touched.
#include "global_pool/zeros.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

namespace ralloc {
namespace {

constexpr std::size_t kMost = 4096;

class ZerosTest : public testing::Test {
 protected:
  alignas(16) unsigned char before_[16];
  alignas(16) unsigned char block_[kMost + 16] = {};
};

TEST_F(ZerosTest, OneByteAnywhereIsSeen) {
  for (std::size_t bytes = 16; bytes <= kMost; bytes += bytes < 640 ? 16 : 1152) {
    ASSERT_TRUE(is_all_zero(block_, bytes));
    for (std::size_t i = 0; i < bytes; ++i) {
      block_[i] = 1;
      ASSERT_FALSE(is_all_zero(block_, bytes)) << "byte " << i << " of " << bytes;
      block_[i] = 0;
    }
  }
}

TEST_F(ZerosTest, WhatLiesBehindIsNotLookedAt) {
  for (std::size_t bytes = 16; bytes <= kMost; bytes += 16) {
    block_[bytes] = 1;
    EXPECT_TRUE(is_all_zero(block_, bytes)) << bytes;
    block_[bytes] = 0;
  }
}

TEST_F(ZerosTest, EveryByteIsMadeZeroAndNoOther) {
  for (std::size_t bytes = 16; bytes <= kMost; bytes += 16) {
    std::fill(std::begin(before_), std::end(before_), 0xA5);
    std::fill(std::begin(block_), std::end(block_), 0xA5);
    make_zero(block_, bytes);
    EXPECT_EQ(std::count(block_, block_ + bytes, 0), std::ptrdiff_t(bytes)) << bytes;
    EXPECT_EQ(std::count(block_ + bytes, std::end(block_), 0xA5), std::end(block_) - block_ -
              std::ptrdiff_t(bytes)) << bytes;
    EXPECT_EQ(std::count(std::begin(before_), std::end(before_), 0xA5), 16) << bytes;
  }
}

}  // namespace
}  // namespace ralloc
