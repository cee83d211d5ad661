// What Linux has beyond what every platform must have, and what it does where the kernel fails.
#include "shim/linux.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tests/support/platforms.h"
#include "tests/support/child.h"
#include "tests/support/old_linux.h"
#include "tests/support/residency.h"

namespace ralloc_test {
namespace {

using os::Linux;
using os::Moved;

const std::size_t kPage = Linux::page_size();

TEST(LinuxSyscallTest, PassesSixArgumentsAndReturnsErrors) {
  errno = 4711;
  EXPECT_EQ(os::linux_syscall(SYS_getpid), getpid());
  EXPECT_EQ(os::linux_syscall(SYS_close, -1), -EBADF);
  EXPECT_EQ(errno, 4711);
  EXPECT_TRUE(os::is_error(-1));
  EXPECT_TRUE(os::is_error(-4095));
  EXPECT_FALSE(os::is_error(-4096)) << "an address, say";
  EXPECT_FALSE(os::is_error(0));
  // A file at an offset: nothing but all six says what is in it.
  FILE* file = std::tmpfile();
  ASSERT_EQ(ftruncate(fileno(file), long(2 * kPage)), 0);
  ASSERT_EQ(pwrite(fileno(file), "second", 6, long(kPage)), 6);
  const long p = os::linux_syscall(SYS_mmap, nullptr, kPage, PROT_READ, MAP_PRIVATE, fileno(file),
                                   kPage);
  ASSERT_FALSE(os::is_error(p));
  EXPECT_STREQ(reinterpret_cast<const char*>(p), "second");
  EXPECT_EQ(os::linux_syscall(SYS_munmap, p, kPage), 0);
  std::fclose(file);
}

TEST(LinuxTest, CountsTheCoresThatTheProcessMayUse) {
  EXPECT_TRUE(holds_in_child([] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    return sched_setaffinity(0, sizeof one, &one) == 0 && Linux::cpu_count() == 1;
  }));
}

TEST(LinuxTest, HasMemoryThatIsWipedOnFork) {
  void* p = Linux::map_wiped_on_fork(kPage);
  EXPECT_NE(p, nullptr);
  Linux::release(p, kPage);
}

TEST(LinuxTest, SaysThatLockedMemoryKeepsItsContents) {
  Pages<Linux> pages(1);
  std::memset(pages.at(0), 1, kPage);
  ASSERT_EQ(os::linux_syscall(SYS_mlock, pages.at(0), kPage), 0);
  EXPECT_FALSE(Linux::purge(pages.at(0), kPage));
  EXPECT_TRUE(is_filled(pages.at(0), kPage, 1));
}

// libc moves the break from where it left it last, and would put it back there.
TEST(LinuxTest, FindsTheBreakThatWasMovedPastLibc) {
  EXPECT_TRUE(holds_in_child([] {
    const std::uintptr_t start = Linux::program_break();
    os::linux_syscall(SYS_brk, start + 8192);
    return Linux::program_break() == start + 8192 &&
           Linux::move_break_to(start + 8192, start + 4096) &&
           std::uintptr_t(sbrk(0)) == start + 4096;
  }));
}

// --- Moving pages, also on old kernels -------------------------------------------------------

template <class P>
class LinuxMoveTest : public testing::Test {};
using Kernels = testing::Types<Linux, os::OldLinux>;
TYPED_TEST_SUITE(LinuxMoveTest, Kernels);

TYPED_TEST(LinuxMoveTest, CopiesNothing) {
  Pages<TypeParam> from(4);
  Pages<TypeParam> to(4, false);
  std::memset(from.at(0), 1, from.bytes());
  ASSERT_EQ(TypeParam::move_pages(from.at(0), 4 * kPage, to.at(0), 4 * kPage), Moved::kYes);
  EXPECT_TRUE(is_filled(to.at(0), 4 * kPage, 1));
  EXPECT_EQ(resident_bytes_of(from.at(0), 4 * kPage), 0u);
}

// A program that calls madvise or mlock for a part of its block splits the kernel's mapping,
// and kernels differ in what they do about two.
TYPED_TEST(LinuxMoveTest, LosesNothingOfTwoMappings) {
  Pages<TypeParam> from(4);
  Pages<TypeParam> to(4, false);
  std::memset(from.at(0), 1, from.bytes());
  ASSERT_EQ(madvise(from.at(2), 2 * kPage, MADV_DONTFORK), 0);
  const Moved moved = TypeParam::move_pages(from.at(0), 4 * kPage, to.at(0), 4 * kPage);
  ASSERT_NE(moved, Moved::kLost);
  EXPECT_TRUE(is_filled(moved == Moved::kYes ? to.at(0) : from.at(0), 4 * kPage, 1));
  std::memset(from.at(0), 2, from.bytes());
  EXPECT_EQ(is_readable(to.at(3)), moved == Moved::kYes) << "else it is reserved as before";
  unsigned char resident[4];
  EXPECT_EQ(mincore(to.at(0), 4 * kPage, resident), 0) << "and ours";
}

TYPED_TEST(LinuxMoveTest, BringsContentsBackWhereTheTargetIsRefused) {
  Pages<TypeParam> from(4);
  Pages<TypeParam> to(5, false);
  std::memset(from.at(0), 1, from.bytes());
  char* const not_at_a_page = to.at(0) + 1;
  EXPECT_EQ(TypeParam::move_pages(from.at(0), 4 * kPage, not_at_a_page, 4 * kPage), Moved::kLost);
  EXPECT_TRUE(is_filled(from.at(0), 4 * kPage, 1));
  std::memset(from.at(0), 2, from.bytes());
}

// --- Kernels that refuse ---------------------------------------------------------------------

struct NoWiping : os::KernelCalls {
  static bool madvise(void* begin, std::size_t bytes, int advice) noexcept {
    return advice != MADV_WIPEONFORK && KernelCalls::madvise(begin, bytes, advice);
  }
};

TEST(LinuxTest, HasNoWipedMemoryOnAKernelWithout) {
  EXPECT_EQ(os::LinuxOn<NoWiping>::map_wiped_on_fork(kPage), nullptr);
}

struct NoNoReplace : os::KernelCalls {
  static void* mmap(void* hint, std::size_t bytes, int protection, int flags) noexcept {
    return KernelCalls::mmap(hint, bytes, protection, flags & ~MAP_FIXED_NOREPLACE);
  }
};

TEST(LinuxTest, GrowsIntoNothingThatIsTakenOnAKernelThatTakesThePlaceForAHint) {
  Pages<Linux> pages(2);
  std::memset(pages.at(0), 1, pages.bytes());
  EXPECT_FALSE(os::LinuxOn<NoNoReplace>::reserve_at(pages.at(1), kPage));
  EXPECT_TRUE(is_filled(pages.at(0), pages.bytes(), 1));
}

}  // namespace
}  // namespace ralloc_test
