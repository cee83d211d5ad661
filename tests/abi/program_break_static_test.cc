// Linked with libralloc.a: the C functions and the C++ API move the same break.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <vector>

#include "ralloc/ralloc.h"
#include "support/threads.h"

namespace {

TEST(StaticProgramBreakTest, BothSeeEachOthersMoves) {
  char* const start = static_cast<char*>(sbrk(0));
  EXPECT_EQ(ralloc::sbrk(1000), start);
  EXPECT_EQ(sbrk(2000), start + 1000);
  EXPECT_EQ(ralloc::sbrk(0), start + 3000);
  EXPECT_EQ(brk(start + 500), 0);
  EXPECT_EQ(ralloc::sbrk(-500), start + 500);
  EXPECT_EQ(sbrk(0), start);
}

TEST(StaticProgramBreakTest, ThreadsOfBothGetMemoryOfTheirOwn) {
  constexpr std::size_t kBytes = 1000, kParts = 2000;
  std::vector<std::vector<char*>> parts(4);
  ralloc_test::in_threads(4, [&](unsigned thread) {
    for (std::size_t i = 0; i < kParts; ++i) {
      void* part = thread % 2 == 0 ? sbrk(kBytes) : ralloc::sbrk(kBytes);
      parts[thread].push_back(static_cast<char*>(part));
    }
  });
  std::vector<char*> all;
  for (const auto& mine : parts) all.insert(all.end(), mine.begin(), mine.end());
  std::sort(all.begin(), all.end());
  for (std::size_t i = 1; i < all.size(); ++i) ASSERT_GE(all[i], all[i - 1] + kBytes);
}

}  // namespace
