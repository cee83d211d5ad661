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
#include "tests/support/build.h"
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

// Pages that were moved never become one mapping with others, but theirs may grow.
TYPED_TEST(LinuxMoveTest, MovesWhatWasExtendedAfterItWasMoved) {
  const std::size_t kBytes = 4 * kPage;
  Pages<TypeParam> from(4);
  std::memset(from.at(0), 1, kBytes);
  char* const p = static_cast<char*>(TypeParam::reserve(2 * kBytes, kPage, nullptr));
  TypeParam::release(p + kBytes, kBytes);
  ASSERT_EQ(TypeParam::move_pages(from.at(0), kBytes, p, kBytes), Moved::kYes);
  ASSERT_TRUE(TypeParam::extend(p, kBytes, kBytes));
  EXPECT_TRUE(is_filled(p + kBytes, kBytes, 0));
  std::memset(p + kBytes, 2, kBytes);
  Pages<TypeParam> to(8, false);
  ASSERT_EQ(TypeParam::move_pages(p, 2 * kBytes, to.at(0), 2 * kBytes), Moved::kYes);
  EXPECT_TRUE(is_filled(to.at(0), kBytes, 1));
  EXPECT_TRUE(is_filled(to.at(4), kBytes, 2));
  TypeParam::release(p, 2 * kBytes);
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

// The second step of a move fails, for want of addresses: with the target as it was, or unmapped before,
// and perhaps somebody else's by then.
struct NoAddresses : os::KernelCalls {
  static inline bool unmaps = false;
  static inline std::size_t anothers_bytes = 0;
  static void* mremap(void* from, std::size_t bytes, std::size_t to_bytes, int flags,
                      void* to) noexcept {
    if ((flags & MREMAP_FIXED) == 0) return KernelCalls::mremap(from, bytes, to_bytes, flags, to);
    if (unmaps) munmap(to, to_bytes);
    if (anothers_bytes != 0) {
      mmap(to, anothers_bytes, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE);
    }
    return nullptr;
  }
};

class LinuxRefusedMoveTest : public testing::Test {
 protected:
  Moved move(bool unmaps, std::size_t anothers_bytes) {
    NoAddresses::unmaps = unmaps;
    NoAddresses::anothers_bytes = anothers_bytes;
    std::memset(from_.at(0), 1, from_.bytes());
    const Moved moved = os::LinuxOn<NoAddresses>::move_pages(from_.at(0), 2 * kPage, to_.at(0),
                                                             4 * kPage);
    EXPECT_TRUE(is_filled(from_.at(0), from_.bytes(), 1));
    return moved;
  }
  bool target_is_reserved() {
    return !is_readable(to_.at(0)) && !is_readable(to_.at(3)) &&
           !Linux::reserve_at(to_.at(0), 4 * kPage);
  }
  Pages<Linux> from_{2};
  Pages<Linux> to_{4, false};
};

TEST_F(LinuxRefusedMoveTest, LeavesTheTargetAsItWas) {
  EXPECT_EQ(move(false, 0), Moved::kNo);
  EXPECT_TRUE(target_is_reserved());
}

TEST_F(LinuxRefusedMoveTest, TakesTheTargetBack) {
  EXPECT_EQ(move(true, 0), Moved::kNo);
  EXPECT_TRUE(target_is_reserved());
}

TEST_F(LinuxRefusedMoveTest, TakesNoTargetOfAnother) {
  EXPECT_EQ(move(true, 4 * kPage), Moved::kLost);
}

TEST_F(LinuxRefusedMoveTest, TakesNoTargetWithAHole) {
  EXPECT_EQ(move(true, 1 * kPage), Moved::kLost);
}

// As emulators do.
struct EmptyPromises : os::KernelCalls {
  static bool madvise(void*, std::size_t, int) noexcept { return true; }
};

TEST(LinuxTest, BelievesNoneWhoSaysYesToAnyAdvice) {
  using P = os::LinuxOn<EmptyPromises>;
  EXPECT_EQ(P::map_wiped_on_fork(kPage), nullptr);
  Pages<Linux> pages(3);
  std::memset(pages.at(0), 1, pages.bytes());
  EXPECT_TRUE(P::purge(pages.at(1), kPage));
  EXPECT_TRUE(is_filled(pages.at(0), kPage, 1));
  EXPECT_TRUE(is_filled(pages.at(1), kPage, 0));
  EXPECT_TRUE(is_filled(pages.at(2), kPage, 1));
  std::memset(pages.at(1), 2, kPage);
}

// As gVisor does, which heeds advice.
struct YesForNoBytes : os::KernelCalls {
  static bool madvise(void* begin, std::size_t bytes, int advice) noexcept {
    return bytes == 0 || KernelCalls::madvise(begin, bytes, advice);
  }
};

TEST(LinuxTest, BelievesWhoSaysYesForNoBytesAlone) {
  void* p = os::LinuxOn<YesForNoBytes>::map_wiped_on_fork(kPage);
  EXPECT_NE(p, nullptr);
  Linux::release(p, kPage);
}

// What is to be replaced is kept, or lost, or lost to another.
struct NoReplacing : os::KernelCalls {
  static inline bool leaves_hole = false;
  static inline void* anothers = nullptr;
  static void* mmap(void* hint, std::size_t bytes, int protection, int flags) noexcept {
    if ((flags & MAP_FIXED) == 0) return KernelCalls::mmap(hint, bytes, protection, flags);
    if (leaves_hole) munmap(hint, bytes);
    if (anothers != nullptr) {
      KernelCalls::mmap(anothers, kPage, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE);
      std::memset(anothers, 2, kPage);
    }
    return nullptr;
  }
};

class LinuxCloseTest : public testing::Test {
 protected:
  using P = os::LinuxOn<NoReplacing>;
  LinuxCloseTest() {
    std::memset(pages_.at(0), 1, pages_.bytes());
    NoReplacing::leaves_hole = false;
    NoReplacing::anothers = nullptr;
  }
  Pages<Linux> pages_{4};
};

TEST_F(LinuxCloseTest, KeepsContentsWhereItIsRefused) {
  EXPECT_FALSE(P::close(pages_.at(1), 2 * kPage));
  EXPECT_TRUE(is_filled(pages_.at(0), pages_.bytes(), 1));
  EXPECT_TRUE(is_writable(pages_.at(1)));
}

TEST_F(LinuxCloseTest, FillsTheHoleThatARefusalLeft) {
  NoReplacing::leaves_hole = true;
  EXPECT_TRUE(P::close(pages_.at(1), 2 * kPage));
  EXPECT_FALSE(is_readable(pages_.at(1)));
  EXPECT_FALSE(Linux::reserve_at(pages_.at(1), kPage)) << "it is ours";
  EXPECT_TRUE(is_filled(pages_.at(3), kPage, 1));
}

TEST_F(LinuxCloseTest, TakesNoAddressesOfAnother) {
  NoReplacing::leaves_hole = true;
  NoReplacing::anothers = pages_.at(2);
  EXPECT_FALSE(P::close(pages_.at(1), 2 * kPage));
  EXPECT_TRUE(is_filled(pages_.at(2), kPage, 2));
}

// Each page that differs from its neighbours is a mapping.
TEST_F(LinuxCloseTest, IsRefusedWhereThereAreNoMoreMappings) {
  if (kSanitizer) GTEST_SKIP() << "they need mappings themselves";
  unsigned long most = 0;
  FILE* file = std::fopen("/proc/sys/vm/max_map_count", "r");
  const bool is_known = file != nullptr && std::fscanf(file, "%lu", &most) == 1;
  if (file != nullptr) std::fclose(file);
  if (!is_known || most > 200'000) GTEST_SKIP() << "that takes long: " << most;
  EXPECT_TRUE(holds_in_child([&] {
    char* const many =
        static_cast<char*>(Linux::reserve((2 * most + 2) * kPage, kPage, nullptr));
    unsigned long i = 0;
    while (i <= most && Linux::commit(many + 2 * i * kPage, kPage)) ++i;
    const bool refused = !Linux::close(pages_.at(1), kPage);
    const bool kept = is_filled(pages_.at(0), pages_.bytes(), 1);
    Linux::release(many, (2 * most + 2) * kPage);
    return i < most && refused && kept && Linux::close(pages_.at(1), kPage);
  }));
}

// --- Random bytes --------------------------------------------------------------------------------

struct FewBytes : os::KernelCalls {
  static inline std::size_t left = 0;
  static std::size_t getrandom(void* buffer, std::size_t bytes) noexcept {
    const std::size_t some = bytes < left ? bytes : left;
    left -= some;
    return KernelCalls::getrandom(buffer, some < 3 ? some : 3);
  }
};

TEST(LinuxRandomTest, AsksUntilItIsFull) {
  unsigned char seen[20] = {};
  for (int round = 0; round < 20; ++round) {
    FewBytes::left = 1000;
    unsigned char buffer[20] = {};
    EXPECT_TRUE(os::LinuxOn<FewBytes>::fill_random(buffer, sizeof buffer));
    for (int i = 0; i < 20; ++i) seen[i] |= buffer[i];
  }
  EXPECT_EQ(std::memchr(seen, 0, sizeof seen), nullptr);
}

TEST(LinuxRandomTest, SaysThatTheKernelHadNotEnoughAndFillsTheRest) {
  unsigned char seen[20] = {};
  unsigned char before[20] = {};
  errno = 4711;
  for (int round = 0; round < 20; ++round) {
    FewBytes::left = 2;
    unsigned char buffer[20] = {};
    EXPECT_FALSE(os::LinuxOn<FewBytes>::fill_random(buffer, sizeof buffer));
    EXPECT_NE(std::memcmp(buffer + 2, before + 2, 18), 0);
    std::memcpy(before, buffer, sizeof buffer);
    for (int i = 0; i < 20; ++i) seen[i] |= buffer[i];
  }
  EXPECT_EQ(errno, 4711);
  EXPECT_EQ(std::memchr(seen, 0, sizeof seen), nullptr);
}

// --- Growing -------------------------------------------------------------------------------------

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
