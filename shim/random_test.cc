// Numbers that nobody can guess, and that a child has not in common with its parent.
#include "shim/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <set>
#include <vector>

#if !defined(_WIN32)
#include <unistd.h>

#include "tests/support/child.h"
#endif

namespace ralloc {
namespace {

constinit Random in_static_storage;

TEST(RandomTest, GivesNoNumberTwice) {
  Random random;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(seen.insert(random.next()).second) << i;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(seen.insert(in_static_storage.next()).second);
  Random another;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(seen.insert(another.next()).second);
}

TEST(RandomTest, KeepsErrno) {
  errno = 4711;
  Random random;
  (void)random.next();
  EXPECT_EQ(errno, 4711);
}

TEST(RandomTest, GivesTheSameForTheSameSeed) {
  Random one, same, other;
  one.seed_for_test(1);
  same.seed_for_test(1);
  other.seed_for_test(2);
  EXPECT_NE(one.next(), other.next());
  (void)same.next();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(one.next(), same.next());
  one.seed_for_test(1);
  (void)same.next();
  same.seed_for_test(1);
  EXPECT_EQ(one.next(), same.next()) << "what was left of the numbers before is not given";
}

// --- Ranges ----------------------------------------------------------------------------------

TEST(RandomTest, GivesAsManyBitsAsAsked) {
  Random random;
  random.seed_for_test(3);
  for (unsigned n = 1; n <= 32; ++n) {
    std::uint32_t zeros = ~0u, ones = 0;
    for (int i = 0; i < 1000; ++i) {
      const std::uint32_t value = random.bits(n);
      zeros &= ~value;
      ones |= value;
    }
    EXPECT_EQ(ones, ~0u >> (32 - n)) << "each of them is set at times, and no other";
    EXPECT_EQ(zeros, n == 32 ? 0 : ~0u << n) << "and clear at times";
  }
}

TEST(RandomTest, StaysBelow) {
  Random random;
  random.seed_for_test(4);
  for (const std::uint32_t n : {1u, 2u, 3u, 1000u, 1u << 31, ~0u}) {
    for (int i = 0; i < 1000; ++i) EXPECT_LT(random.below(n), n);
  }
}

// The counts of n values in 10 000 n draws are 10 000 each, and vary by 100: 5 of these deviations
// are once in a million.
template <class Draw>
void expect_uniform(std::uint32_t n, Draw draw) {
  std::vector<int> counts(n);
  for (std::uint32_t i = 0; i < 10'000 * n; ++i) ++counts[draw()];
  const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
  EXPECT_GT(*least, 9'500) << n;
  EXPECT_LT(*most, 10'500) << n;
}

TEST(RandomTest, GivesEachValueAsOften) {
  Random random;
  random.seed_for_test(5);
  for (const std::uint32_t n : {2u, 3u, 7u, 32u, 100u}) {
    expect_uniform(n, [&] { return random.below(n); });
  }
  expect_uniform(256, [&] { return random.bits(8); });
  expect_uniform(32, [&] { return random.bits(5); });
  expect_uniform(256, [&] { return random.next() >> 56; });
  expect_uniform(256, [&] { return random.next() & 255; });
}

// --- The state -------------------------------------------------------------------------------

// Who copies the generator's memory finds no number in it that was given.
TEST(RandomTest, ForgetsWhatItGave) {
  Random random;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t value = random.next();
    const auto* const bytes = reinterpret_cast<const unsigned char*>(&random);
    const auto* const given = reinterpret_cast<const unsigned char*>(&value);
    const auto* const end = bytes + sizeof random;
    EXPECT_EQ(std::search(bytes, end, given, given + sizeof value), end);
  }
}

TEST(RandomTest, ReplacesTheKeyThatMadeWhatItGave) {
  Random random;
  random.seed_for_test(0x4142434445464748);
  (void)random.next();
  const auto* const bytes = reinterpret_cast<const unsigned char*>(&random);
  const unsigned char key[] = {0x48, 0x47, 0x46, 0x45, 0x44, 0x43, 0x42, 0x41};
  EXPECT_EQ(std::search(bytes, bytes + sizeof random, key, std::end(key)), bytes + sizeof random);
}

// Else each draw would cost a call to the system.
TEST(RandomTest, KeepsItsKeyWhileItHasNumbers) {
  Random random;
  (void)random.next();
  unsigned char before[sizeof random];
  std::memcpy(before, static_cast<const void*>(&random), sizeof random);
  (void)random.next();
  const auto* const after = reinterpret_cast<const unsigned char*>(&random);
  unsigned changed = 0;
  for (std::size_t i = 0; i < sizeof random; ++i) changed += before[i] != after[i];
  EXPECT_LE(changed, sizeof(std::uint64_t) + 1) << "what it gave, and how much is left";
}

// --- Fork ------------------------------------------------------------------------------------

#if !defined(_WIN32)

using ralloc_test::holds_in_child;

TEST(RandomForkTest, ChildAndParentGiveOther) {
  for (const bool has_drawn : {false, true}) {
    for (const bool has_asked : {false, true}) {
      Random random;
      if (has_drawn) (void)random.next();
      int ends[2];
      ASSERT_EQ(pipe(ends), 0);
      EXPECT_TRUE(holds_in_child([&] {
        if (has_asked) (void)os::generation();
        const std::uint64_t childs[2] = {random.next(), random.next()};
        return write(ends[1], childs, sizeof childs) == sizeof childs;
      }));
      std::uint64_t childs[2];
      ASSERT_EQ(read(ends[0], childs, sizeof childs), long(sizeof childs));
      EXPECT_NE(childs[0], childs[1]);
      const std::uint64_t mine = random.next();
      EXPECT_NE(mine, childs[0]);
      EXPECT_NE(mine, childs[1]);
      close(ends[0]);
      close(ends[1]);
    }
  }
}

TEST(RandomForkTest, ChildOfAKnownSeedIsUnknown) {
  Random random, same;
  random.seed_for_test(6);
  same.seed_for_test(6);
  (void)random.next();
  const std::uint64_t first = same.next();
  const std::uint64_t second = same.next();
  EXPECT_TRUE(holds_in_child([&] {
    const std::uint64_t childs = random.next();
    return childs != first && childs != second;
  }));
  EXPECT_EQ(random.next(), second) << "the parent goes on";
}

#endif

}  // namespace
}  // namespace ralloc
