// What the allocator relies on when it asks the kernel for something.
#include "shim/os.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>

#include "shim/config.h"
#include "tests/support/child.h"
#include "tests/support/process.h"
#include "tests/support/residency.h"

namespace ralloc {
namespace {

using ralloc_test::address_space_bytes;
using ralloc_test::holds_in_child;
using ralloc_test::is_filled;
using ralloc_test::resident_bytes_of;

// The kernel says by an error, instead of a signal, whether it could read or write there.
bool is_readable(const void* p) {
  int ends[2];
  if (pipe(ends) != 0) return false;
  const bool readable = write(ends[1], p, 1) == 1;
  close(ends[0]);
  close(ends[1]);
  return readable;
}
bool is_writable(void* p) {
  int ends[2];
  if (pipe(ends) != 0) return false;
  const bool writable = write(ends[1], "x", 1) == 1 && read(ends[0], p, 1) == 1;
  close(ends[0]);
  close(ends[1]);
  return writable;
}

const std::size_t kPage = os::page_size();

// Some pages of address space, committed if asked.
class Pages {
 public:
  explicit Pages(std::size_t count, bool committed = true)
      : bytes_(count * kPage), begin_(static_cast<char*>(os::reserve(bytes_, kPage, nullptr))) {
    EXPECT_NE(begin_, nullptr);
    EXPECT_TRUE(!committed || os::commit(begin_, bytes_));
  }
  ~Pages() { os::release(begin_, bytes_); }
  Pages(const Pages&) = delete;
  char* at(std::size_t page) const { return begin_ + page * kPage; }
  std::size_t bytes() const { return bytes_; }

 private:
  const std::size_t bytes_;
  char* const begin_;
};

TEST(OsTest, KnowsThePageSize) {
  EXPECT_EQ(os::page_size(), std::size_t(sysconf(_SC_PAGESIZE)));
}

TEST(OsTest, CountsTheCoresThatTheProcessMayUse) {
  EXPECT_GE(os::cpu_count(), 1u);
  EXPECT_LE(os::cpu_count(), unsigned(sysconf(_SC_NPROCESSORS_CONF)));
  EXPECT_TRUE(holds_in_child([] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    return sched_setaffinity(0, sizeof one, &one) == 0 && os::cpu_count() == 1;
  }));
}

TEST(OsTest, KnowsTheLimitOnAddressSpace) {
  rlimit now;
  ASSERT_EQ(getrlimit(RLIMIT_AS, &now), 0);
  EXPECT_EQ(os::address_space_limit(),
            now.rlim_cur == RLIM_INFINITY ? SIZE_MAX : std::size_t(now.rlim_cur));
  EXPECT_TRUE(holds_in_child([&] {
    const rlimit limited{std::size_t{1} << 46, now.rlim_max};
    return setrlimit(RLIMIT_AS, &limited) == 0 && os::address_space_limit() == limited.rlim_cur;
  }));
}

TEST(OsTest, ClockGoesForward) {
  const std::uint64_t before = os::now_ms();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const std::uint64_t after = os::now_ms();
  EXPECT_GE(after, before + 30);
  EXPECT_LE(after, before + 10'000);
}

TEST(OsReserveTest, IsAligned) {
  for (std::size_t align = kPage; align <= 4096 * kMiB; align *= 2) {
    void* p = os::reserve(kPage, align, nullptr);
    ASSERT_NE(p, nullptr) << align;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % align, 0u) << align;
    os::release(p, kPage);
  }
}

TEST(OsReserveTest, KeepsNoMoreThanAsked) {
  const std::size_t before = address_space_bytes();
  void* p = os::reserve(kPage, 4096 * kMiB, nullptr);
  ASSERT_NE(p, nullptr);
  EXPECT_LT(address_space_bytes(), before + 64 * kMiB);
  os::release(p, kPage);
}

TEST(OsReserveTest, GivesAddressesWithoutBacking) {
  Pages pages(2, false);
  for (std::size_t page : {0, 1}) {
    EXPECT_FALSE(is_readable(pages.at(page)));
    EXPECT_FALSE(is_writable(pages.at(page)));
  }
}

TEST(OsReserveTest, TakesTheHintWhereThereIsRoom) {
  void* p = os::reserve(16 * kPage, kPage, nullptr);
  ASSERT_NE(p, nullptr);
  os::release(p, 16 * kPage);
  EXPECT_EQ(os::reserve(16 * kPage, kPage, p), p);
  void* elsewhere = os::reserve(16 * kPage, kPage, p);
  EXPECT_NE(elsewhere, nullptr);
  EXPECT_NE(elsewhere, p) << "taken already";
  os::release(p, 16 * kPage);
  os::release(elsewhere, 16 * kPage);
}

TEST(OsReserveTest, IsNullForMoreThanThereIs) {
  EXPECT_EQ(os::reserve(std::size_t{1} << 50, kPage, nullptr), nullptr);
  EXPECT_EQ(os::reserve(kPage, std::size_t{1} << 50, nullptr), nullptr);
  EXPECT_EQ(os::reserve_zeros(std::size_t{1} << 50), nullptr);
}

TEST(OsReserveTest, ZerosReadAtOnceAndWriteOnceCommitted) {
  char* p = static_cast<char*>(os::reserve_zeros(4 * kPage));
  ASSERT_NE(p, nullptr);
  EXPECT_TRUE(is_filled(p, 4 * kPage, 0));
  EXPECT_FALSE(is_writable(p));
  ASSERT_TRUE(os::commit(p + kPage, kPage));
  EXPECT_TRUE(is_writable(p + kPage));
  EXPECT_FALSE(is_writable(p + 2 * kPage));
  os::release(p, 4 * kPage);
}

TEST(OsCommitTest, MakesZeros) {
  Pages pages(3, false);
  ASSERT_TRUE(os::commit(pages.at(1), kPage));
  EXPECT_TRUE(is_filled(pages.at(1), kPage, 0));
  std::memset(pages.at(1), 1, kPage);
  EXPECT_FALSE(is_writable(pages.at(0)));
  EXPECT_FALSE(is_writable(pages.at(2)));
}

TEST(OsCommitTest, FailsWhereNothingIsReserved) {
  void* p = os::reserve(kPage, kPage, nullptr);
  os::release(p, kPage);
  EXPECT_FALSE(os::commit(p, kPage));
}

TEST(OsPurgeTest, LeavesWritableZeros) {
  Pages pages(4);
  std::memset(pages.at(0), 1, pages.bytes());
  ASSERT_TRUE(os::purge(pages.at(1), 2 * kPage));
  EXPECT_TRUE(is_filled(pages.at(0), kPage, 1));
  EXPECT_EQ(resident_bytes_of(pages.at(0), pages.bytes()), 2 * kPage);
  EXPECT_TRUE(is_filled(pages.at(1), 2 * kPage, 0));
  EXPECT_TRUE(is_filled(pages.at(3), kPage, 1));
  EXPECT_TRUE(is_writable(pages.at(1)));
}

TEST(OsPurgeTest, SaysThatLockedMemoryKeepsItsContents) {
  Pages pages(1);
  std::memset(pages.at(0), 1, kPage);
  // Not by way of the C library: sanitizers make mlock do nothing.
  ASSERT_EQ(syscall(SYS_mlock, pages.at(0), kPage), 0);
  EXPECT_FALSE(os::purge(pages.at(0), kPage));
  EXPECT_TRUE(is_filled(pages.at(0), kPage, 1));
}

TEST(OsReleaseTest, GivesTheAddressesBack) {
  char* p = static_cast<char*>(os::reserve(2 * kPage, kPage, nullptr));
  ASSERT_TRUE(os::commit(p, 2 * kPage));
  os::release(p + kPage, kPage);
  EXPECT_TRUE(is_writable(p));
  EXPECT_FALSE(is_readable(p + kPage));
  os::release(p, kPage);
}

TEST(OsMovePagesTest, MovesContentsAndLeavesZeros) {
  Pages from(6);
  Pages to(8, false);
  for (std::size_t page = 0; page < 6; ++page) std::memset(from.at(page), int(page), kPage);
  ASSERT_EQ(os::move_pages(from.at(1), 3 * kPage, to.at(0), 8 * kPage), os::Moved::kYes);
  for (std::size_t page = 0; page < 3; ++page) {
    EXPECT_TRUE(is_filled(to.at(page), kPage, static_cast<unsigned char>(page + 1)));
  }
  EXPECT_TRUE(is_filled(to.at(3), 5 * kPage, 0)) << "the rest of the target is committed";
  EXPECT_TRUE(is_filled(from.at(1), 3 * kPage, 0));
  EXPECT_TRUE(is_filled(from.at(4), kPage, 4));
  EXPECT_TRUE(is_filled(from.at(5), kPage, 5));
  std::memset(from.at(0), 7, from.bytes());
  std::memset(to.at(0), 7, to.bytes());
}

TEST(OsMovePagesTest, CopiesNothing) {
  Pages from(4);
  Pages to(4, false);
  std::memset(from.at(0), 1, from.bytes());
  ASSERT_EQ(os::move_pages(from.at(0), 4 * kPage, to.at(0), 4 * kPage), os::Moved::kYes);
  EXPECT_EQ(resident_bytes_of(from.at(0), 4 * kPage), 0u);
}

// A program that calls madvise or mlock for a part of its block splits the kernel's mapping,
// and kernels differ in what they do about two.
TEST(OsMovePagesTest, LosesNothingOfTwoMappings) {
  Pages from(4);
  Pages to(4, false);
  std::memset(from.at(0), 1, from.bytes());
  ASSERT_EQ(madvise(from.at(2), 2 * kPage, MADV_DONTFORK), 0);
  const os::Moved moved = os::move_pages(from.at(0), 4 * kPage, to.at(0), 4 * kPage);
  ASSERT_NE(moved, os::Moved::kLost);
  EXPECT_TRUE(is_filled(moved == os::Moved::kYes ? to.at(0) : from.at(0), 4 * kPage, 1));
  std::memset(from.at(0), 2, from.bytes());
  EXPECT_EQ(is_readable(to.at(3)), moved == os::Moved::kYes) << "else it is reserved as before";
  unsigned char resident[4];
  EXPECT_EQ(mincore(to.at(0), 4 * kPage, resident), 0) << "and ours";
}

TEST(OsMovePagesTest, BringsContentsBackWhereTheTargetIsRefused) {
  Pages from(4);
  Pages to(5, false);
  std::memset(from.at(0), 1, from.bytes());
  char* const not_at_a_page = to.at(0) + 1;
  EXPECT_EQ(os::move_pages(from.at(0), 4 * kPage, not_at_a_page, 4 * kPage), os::Moved::kLost);
  EXPECT_TRUE(is_filled(from.at(0), 4 * kPage, 1));
  std::memset(from.at(0), 2, from.bytes());
}

TEST(OsWriteErrorTest, WritesToStandardError) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const int saved = dup(STDERR_FILENO);
  ASSERT_GE(dup2(ends[1], STDERR_FILENO), 0);
  os::write_error("some text", 4);
  ASSERT_GE(dup2(saved, STDERR_FILENO), 0);
  close(ends[1]);
  char text[16] = {};
  EXPECT_EQ(read(ends[0], text, sizeof text), 4);
  EXPECT_STREQ(text, "some");
  close(ends[0]);
  close(saved);
}

TEST(OsDeathTest, AbortAborts) { EXPECT_EXIT(os::abort(), testing::KilledBySignal(SIGABRT), ""); }

TEST(OsWaitTest, ReturnsAtOnceIfTheWordHasChanged) {
  std::atomic<std::uint32_t> word{1};
  os::wait(word, 2);
  os::wake_one(word);  // nobody: no harm
}

TEST(OsWaitTest, SleepsUntilItIsWoken) {
  std::atomic<std::uint32_t> word{1};
  std::thread sleeper([&] {
    while (word.load() == 1) os::wait(word, 1);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  word = 2;
  os::wake_one(word);
  sleeper.join();
}

TEST(OsForkTest, WipedPageIsZeroInTheChildAlone) {
  char* p = static_cast<char*>(os::map_wiped_on_fork(kPage));
  ASSERT_NE(p, nullptr);
  std::memset(p, 1, kPage);
  EXPECT_TRUE(holds_in_child([&] { return is_filled(p, kPage, 0) && is_writable(p); }));
  EXPECT_TRUE(is_filled(p, kPage, 1));
  os::release(p, kPage);
}

}  // namespace
}  // namespace ralloc
