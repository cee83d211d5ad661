#include "global_pool/quarantine.h"

#include <gtest/gtest.h>

#include <memory>

namespace ralloc {
namespace {

void* block(std::uintptr_t number) { return reinterpret_cast<void*>(number * 4096); }

TEST(QuarantineTest, GivesTheOldestWhenThereIsNoRoom) {
  const auto quarantine = std::make_unique<Quarantine>();
  for (std::uintptr_t i = 1; i <= 10; ++i) ASSERT_TRUE(quarantine->put(block(i), 100, 1000));
  EXPECT_FALSE(quarantine->put(block(11), 1, 1000));
  EXPECT_EQ(quarantine->take(150, 1000), block(1));
  EXPECT_EQ(quarantine->take(150, 1000), block(2));
  EXPECT_EQ(quarantine->take(150, 1000), nullptr);
  EXPECT_TRUE(quarantine->put(block(11), 150, 1000));
}

TEST(QuarantineTest, KnowsWhatLiesInIt) {
  const auto quarantine = std::make_unique<Quarantine>();
  ASSERT_TRUE(quarantine->put(block(3), 100, 1000));
  EXPECT_TRUE(quarantine->has(block(3)));
  EXPECT_TRUE(quarantine->has(static_cast<char*>(block(3)) + 99));
  EXPECT_FALSE(quarantine->has(static_cast<char*>(block(3)) + 100));
  EXPECT_EQ(quarantine->take(1, 0), block(3));
  EXPECT_FALSE(quarantine->has(block(3)));
}

TEST(QuarantineTest, HoldsSoManyBlocksAtMost) {
  const auto quarantine = std::make_unique<Quarantine>();
  for (std::uintptr_t i = 1; i <= Quarantine::kBlocks; ++i) {
    ASSERT_TRUE(quarantine->put(block(i), 1, SIZE_MAX));
  }
  EXPECT_FALSE(quarantine->put(block(1), 1, SIZE_MAX));
  EXPECT_EQ(quarantine->take(1, SIZE_MAX), block(1));
  EXPECT_TRUE(quarantine->put(block(1), 1, SIZE_MAX));
  for (std::uintptr_t i = 2; i <= Quarantine::kBlocks; ++i) {
    ASSERT_EQ(quarantine->take(1, 0), block(i));
  }
  EXPECT_EQ(quarantine->take(1, 0), block(1));
  EXPECT_EQ(quarantine->take(1, 0), nullptr);
}

}  // namespace
}  // namespace ralloc
