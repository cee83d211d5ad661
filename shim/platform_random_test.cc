// What platform.h says of random bytes, of each platform; and the last resort.
#include <algorithm>
#include <cerrno>
#include <set>

#include "shim/weak_random.h"
#include "tests/support/platforms.h"

namespace ralloc_test {
namespace {

template <class P>
class PlatformRandomTest : public testing::Test {};
TYPED_TEST_SUITE(PlatformRandomTest, Platforms, PlatformNames);

// More than a system gives at once: 256 bytes for some.
constexpr std::size_t kMuch = 1000;

TYPED_TEST(PlatformRandomTest, FillsEachByteAndNoOther) {
  for (const std::size_t bytes : {0, 1, 7, 64, 255, 256, 257, 1000}) {
    unsigned char seen[kMuch + 1] = {};
    for (int round = 0; round < 20; ++round) {
      unsigned char buffer[kMuch + 1] = {};
      ASSERT_TRUE(TypeParam::fill_random(buffer, bytes));
      for (std::size_t i = 0; i <= kMuch; ++i) seen[i] |= buffer[i];
    }
    EXPECT_EQ(std::count(seen, seen + bytes, 0), 0) << "20 times 0 is no chance, of " << bytes;
    EXPECT_TRUE(is_filled(seen + bytes, sizeof seen - bytes, 0)) << bytes;
  }
}

TYPED_TEST(PlatformRandomTest, GivesNothingTwice) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    std::uint64_t value = 0;
    ASSERT_TRUE(TypeParam::fill_random(&value, sizeof value));
    EXPECT_TRUE(seen.insert(value).second);
  }
  std::uint64_t values[kMuch];
  ASSERT_TRUE(TypeParam::fill_random(values, sizeof values));
  for (const std::uint64_t value : values) EXPECT_TRUE(seen.insert(value).second);
}

TYPED_TEST(PlatformRandomTest, KeepsErrno) {
  errno = 4711;
  unsigned char buffer[kMuch];
  const bool filled = TypeParam::fill_random(buffer, sizeof buffer);
  const int kept = errno;
  EXPECT_EQ(kept, 4711);
  EXPECT_TRUE(filled);
}

// --- The last resort -------------------------------------------------------------------------

TEST(WeakRandomTest, FillsEachByteAndNoOther) {
  for (const std::size_t bytes : {0, 1, 7, 64, 65, 1000}) {
    unsigned char seen[kMuch + 1] = {};
    for (int round = 0; round < 20; ++round) {
      unsigned char buffer[kMuch + 1] = {};
      os::fill_weakly(buffer, bytes, nullptr, 0);
      for (std::size_t i = 0; i <= kMuch; ++i) seen[i] |= buffer[i];
    }
    EXPECT_EQ(std::count(seen, seen + bytes, 0), 0) << "they differ from call to call";
    EXPECT_TRUE(is_filled(seen + bytes, sizeof seen - bytes, 0)) << bytes;
  }
}

TEST(WeakRandomTest, DoesNotTellTheSecret) {
  const unsigned char secret[17] = "not to be told..";
  unsigned char buffer[kMuch];
  os::fill_weakly(buffer, sizeof buffer, secret, 0);
  EXPECT_EQ(std::search(buffer, buffer + kMuch, secret, secret + 4), buffer + kMuch);
}

}  // namespace
}  // namespace ralloc_test
