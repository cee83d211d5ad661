// The number that tells a forked child from its parent. Built twice: with the kernel's pages
// that are wiped on fork, and for kernels that have none.
#include <gtest/gtest.h>

#include <atomic>

#include "shim/os.h"
#include "tests/support/build.h"
#include "tests/support/child.h"
#include "tests/support/threads.h"

namespace ralloc {
namespace {

using ralloc_test::holds_in_child;
using ralloc_test::in_threads;

TEST(GenerationTest, IsNeverZero) { EXPECT_NE(os::generation(), 0u); }

TEST(GenerationTest, StaysTheSameInAProcess) {
  const std::uint32_t mine = os::generation();
  os::set_up_generation();
  EXPECT_EQ(os::generation(), mine);
  EXPECT_EQ(os::renew_generation(), mine) << "nothing to renew";
  EXPECT_EQ(os::generation(), mine);
  in_threads(4, [&](unsigned) { EXPECT_EQ(os::generation(), mine); });
}

TEST(GenerationTest, DiffersInAChild) {
  const std::uint32_t mine = os::generation();
  EXPECT_TRUE(holds_in_child([&] {
    const std::uint32_t child = os::generation();
    return child != mine && child != 0 && os::generation() == child;
  }));
  EXPECT_EQ(os::generation(), mine) << "the parent keeps its own";
}

TEST(GenerationTest, DiffersInAGrandchild) {
  const std::uint32_t mine = os::generation();
  EXPECT_TRUE(holds_in_child([&] {
    const std::uint32_t child = os::generation();
    return bool(holds_in_child([&] {
      const std::uint32_t grandchild = os::generation();
      return grandchild != mine && grandchild != child;
    }));
  }));
}

TEST(GenerationTest, DiffersInAGrandchildOfAChildThatNeverAsked) {
  const std::uint32_t mine = os::generation();
  EXPECT_TRUE(holds_in_child([&] {
    return bool(holds_in_child([&] { return os::generation() != mine; }));
  }));
}

TEST(GenerationTest, IsOneForAllThreadsOfAChild) {
  if (ralloc_test::kThreadSanitizer) return;  // refuses threads in a forked child
  const std::uint32_t mine = os::generation();
  for (int round = 0; round < 20; ++round) {
    EXPECT_TRUE(holds_in_child([&] {
      std::uint32_t theirs[4] = {};
      in_threads(4, [&](unsigned i) { theirs[i] = os::generation(); });
      return theirs[0] != mine && theirs[0] == theirs[1] && theirs[0] == theirs[2] &&
             theirs[0] == theirs[3] && os::generation() == theirs[0];
    }));
  }
}

}  // namespace
}  // namespace ralloc
