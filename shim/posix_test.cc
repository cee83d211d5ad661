// What the generic platform does where a system refuses fresh pages in the place of old ones.
#include "shim/posix.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "tests/support/platforms.h"
#include "tests/support/child.h"

namespace ralloc_test {
namespace {

using os::Posix;

const std::size_t kPage = Posix::page_size();

// A call for a fixed place fails so often, and may unmap what is there before; and a number of
// the calls without one after it give another place.
struct Refusing : os::LibcCalls {
  static inline unsigned fixed = 0;
  static inline unsigned elsewhere = 0;
  static inline bool leaves_hole = false;
  static void* mmap(void* hint, std::size_t bytes, int protection, int flags) noexcept {
    if ((flags & MAP_FIXED) != 0 && fixed != 0) {
      --fixed;
      if (leaves_hole) munmap(hint, bytes);
      errno = ENOMEM;
      return nullptr;
    }
    if ((flags & MAP_FIXED) == 0 && elsewhere != 0) {
      --elsewhere;
      hint = nullptr;
      // The kernel would take the hole, being the first that fits.
      return LibcCalls::mmap(hint, bytes + (1 << 20), protection, flags);
    }
    return LibcCalls::mmap(hint, bytes, protection, flags);
  }
};
using P = os::PosixOn<Refusing>;

class PosixPurgeTest : public testing::Test {
 protected:
  void SetUp() override {
    std::memset(pages_.at(0), 1, pages_.bytes());
    Refusing::fixed = 1;
    Refusing::elsewhere = 0;
    Refusing::leaves_hole = false;
    errno = 4711;
  }
  void TearDown() override { EXPECT_EQ(errno, 4711); }
  Pages<Posix> pages_{4};
};

TEST_F(PosixPurgeTest, KeepsContentsWhereItIsRefused) {
  EXPECT_FALSE(P::purge(pages_.at(1), 2 * kPage));
  EXPECT_TRUE(is_filled(pages_.at(0), pages_.bytes(), 1));
  EXPECT_TRUE(P::purge(pages_.at(1), 2 * kPage)) << "the next time";
  EXPECT_TRUE(is_filled(pages_.at(1), 2 * kPage, 0));
}

TEST_F(PosixPurgeTest, FillsTheHoleThatARefusalLeft) {
  Refusing::leaves_hole = true;
  EXPECT_TRUE(P::purge(pages_.at(1), 2 * kPage));
  EXPECT_TRUE(is_filled(pages_.at(0), kPage, 1));
  EXPECT_TRUE(is_filled(pages_.at(1), 2 * kPage, 0));
  EXPECT_TRUE(is_filled(pages_.at(3), kPage, 1));
  std::memset(pages_.at(0), 2, pages_.bytes());
}

TEST_F(PosixPurgeTest, TriesAgainToFillIt) {
  Refusing::leaves_hole = true;
  Refusing::elsewhere = 3;
  EXPECT_TRUE(P::purge(pages_.at(1), 2 * kPage));
  EXPECT_TRUE(is_filled(pages_.at(1), 2 * kPage, 0));
  EXPECT_EQ(Refusing::elsewhere, 0u);
}

TEST_F(PosixPurgeTest, ClosesLikewise) {
  EXPECT_FALSE(P::close(pages_.at(1), 2 * kPage));
  EXPECT_TRUE(is_filled(pages_.at(0), pages_.bytes(), 1));
  EXPECT_TRUE(is_writable(pages_.at(1)));
  Refusing::fixed = 1;
  Refusing::leaves_hole = true;
  Refusing::elsewhere = 3;
  errno = 4711;
  EXPECT_TRUE(P::close(pages_.at(1), 2 * kPage));
  EXPECT_EQ(errno, 4711);
  EXPECT_FALSE(is_readable(pages_.at(1)));
  EXPECT_FALSE(Posix::reserve_at(pages_.at(1), kPage)) << "it is ours";
  EXPECT_TRUE(is_filled(pages_.at(3), kPage, 1));
  errno = 4711;
}

// Another thread's memory may be there by now, and the allocator believes that it is ours.
TEST_F(PosixPurgeTest, GivesUpWhereTheHoleIsTaken) {
  const auto purge = [&] {
    Refusing::leaves_hole = true;
    Refusing::elsewhere = 1'000'000;
    (void)P::purge(pages_.at(1), 2 * kPage);
  };
  EXPECT_DEATH_SAYING(purge(), "ralloc: the system took addresses away that were to be emptied");
  errno = 4711;
}

struct FewBytes : os::LibcCalls {
  static inline unsigned calls = 0;  // that are granted
  static bool getentropy(void* buffer, std::size_t bytes) noexcept {
    errno = ENOSYS;
    return calls != 0 && calls-- != 0 && LibcCalls::getentropy(buffer, bytes);
  }
};

TEST(PosixRandomTest, SaysThatTheSystemHadNotEnoughAndFillsTheRest) {
  constexpr std::size_t kBytes = 300;  // in two calls
  for (const unsigned granted : {0u, 1u}) {
    unsigned char seen[kBytes] = {};
    errno = 4711;
    for (int round = 0; round < 20; ++round) {
      FewBytes::calls = granted;
      unsigned char buffer[kBytes] = {};
      EXPECT_FALSE(os::PosixOn<FewBytes>::fill_random(buffer, kBytes));
      for (std::size_t i = 0; i < kBytes; ++i) seen[i] |= buffer[i];
    }
    EXPECT_EQ(errno, 4711);
    EXPECT_EQ(std::memchr(seen, 0, kBytes), nullptr);
  }
}

TEST(PosixTest, KnowsAnotherUser) {
  if (geteuid() != 0) GTEST_SKIP() << "who is not root cannot become another";
  EXPECT_TRUE(holds_in_child([] { return seteuid(1) == 0 && Posix::is_privileged(); }));
  EXPECT_TRUE(holds_in_child([] { return setegid(1) == 0 && Posix::is_privileged(); }));
}

}  // namespace
}  // namespace ralloc_test
