// What platform.h says of the process, of each platform that has fork: limits, children, the
// program break, last words.
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <thread>

#include "tests/support/platforms.h"
#include "tests/support/build.h"
#include "tests/support/child.h"
#include "tests/support/process.h"
#include "tests/support/residency.h"
#include "tests/support/threads.h"

namespace ralloc_test {
namespace {

template <class P>
class PlatformProcessTest : public testing::Test {};
TYPED_TEST_SUITE(PlatformProcessTest, Platforms, PlatformNames);
template <class P>
class PlatformProcessDeathTest : public testing::Test {};
TYPED_TEST_SUITE(PlatformProcessDeathTest, Platforms, PlatformNames);

// --- What it says of the process -------------------------------------------------------------

TYPED_TEST(PlatformProcessTest, PagesAreTheSystems) {
  EXPECT_EQ(TypeParam::page_size(), std::size_t(sysconf(_SC_PAGESIZE)));
}

TYPED_TEST(PlatformProcessTest, CountsCoresThatThereAre) {
  EXPECT_GE(TypeParam::cpu_count(), 1u);
  EXPECT_LE(TypeParam::cpu_count(), unsigned(sysconf(_SC_NPROCESSORS_CONF)));
}

TYPED_TEST(PlatformProcessTest, KnowsTheLimitOnAddressSpace) {
  rlimit now;
  ASSERT_EQ(getrlimit(RLIMIT_AS, &now), 0);
  EXPECT_EQ(TypeParam::address_space_limit(),
            now.rlim_cur == RLIM_INFINITY ? SIZE_MAX : std::size_t(now.rlim_cur));
  EXPECT_TRUE(holds_in_child([&] {
    const rlimit limited{std::size_t{1} << 46, now.rlim_max};
    return setrlimit(RLIMIT_AS, &limited) == 0 &&
           TypeParam::address_space_limit() == limited.rlim_cur;
  }));
}

TYPED_TEST(PlatformProcessTest, ShowsTheEnvironment) {
  ASSERT_EQ(setenv("RALLOC_PLATFORM_TEST", "is set", 1), 0);
  bool found = false;
  for (const char* const* e = TypeParam::environment(); *e != nullptr; ++e) {
    found = found || std::string(*e) == "RALLOC_PLATFORM_TEST=is set";
  }
  EXPECT_TRUE(found);
}

TYPED_TEST(PlatformProcessTest, TestHasNoRightsOfAnothers) {
  EXPECT_FALSE(TypeParam::is_privileged());
}

// --- Memory ----------------------------------------------------------------------------------

TYPED_TEST(PlatformProcessTest, ReservesNoMoreThanTheLimit) {
  if (kSanitizer) GTEST_SKIP() << "they live without a limit only";
  const std::size_t page = TypeParam::page_size();
  EXPECT_TRUE(holds_in_child([&] {
    rlimit limit;
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = address_space_bytes() + 64 * kMiB;
    if (setrlimit(RLIMIT_AS, &limit) != 0) return false;
    void* granted = TypeParam::reserve(16 * kMiB, page, nullptr);
    return granted != nullptr && TypeParam::commit(granted, 16 * kMiB) &&
           TypeParam::purge(granted, 16 * kMiB) &&
           TypeParam::reserve(1024 * kMiB, page, nullptr) == nullptr &&
           TypeParam::reserve(page, 1024 * kMiB, nullptr) == nullptr &&
           TypeParam::reserve_zeros(1024 * kMiB) == nullptr &&
           !TypeParam::reserve_at(static_cast<char*>(granted) + 16 * kMiB, 1024 * kMiB);
  }));
}

TYPED_TEST(PlatformProcessTest, TakesNoMoreAddressSpaceThanAsked) {
  const std::size_t page = TypeParam::page_size();
  const std::size_t before = address_space_bytes();
  void* p = TypeParam::reserve(page, 4096 * kMiB, nullptr);
  ASSERT_NE(p, nullptr);
  EXPECT_LT(address_space_bytes(), before + 64 * kMiB);
  TypeParam::release(p, page);
}

TYPED_TEST(PlatformProcessTest, PurgedPagesHaveNoBacking) {
  const std::size_t page = TypeParam::page_size();
  Pages<TypeParam> pages(4);
  EXPECT_EQ(resident_bytes_of(pages.at(0), pages.bytes()), 0u) << "untouched";
  std::memset(pages.at(0), 1, pages.bytes());
  ASSERT_TRUE(TypeParam::purge(pages.at(1), 2 * page));
  EXPECT_EQ(resident_bytes_of(pages.at(0), pages.bytes()), 2 * page);
}

TYPED_TEST(PlatformProcessTest, ClosedPagesHaveNoBacking) {
  const std::size_t page = TypeParam::page_size();
  Pages<TypeParam> pages(4);
  std::memset(pages.at(0), 1, pages.bytes());
  ASSERT_TRUE(TypeParam::close(pages.at(1), 2 * page));
  EXPECT_EQ(resident_bytes_of(pages.at(0), pages.bytes()), 2 * page);
  ASSERT_TRUE(TypeParam::commit(pages.at(1), 2 * page));
  EXPECT_EQ(resident_bytes_of(pages.at(0), pages.bytes()), 2 * page);
}

TYPED_TEST(PlatformProcessDeathTest, AccessToAClosedPageDies) {
  Pages<TypeParam> pages(3);
  ASSERT_TRUE(TypeParam::close(pages.at(1), TypeParam::page_size()));
  volatile char* const closed = pages.at(1);
  const auto die = [](auto access) {
    prepare_to_die();
    signal(SIGSEGV, SIG_DFL);  // a sanitizer has a handler of its own
    access();
  };
  EXPECT_EXIT(die([&] { *closed = 1; }), testing::KilledBySignal(SIGSEGV), "");
  EXPECT_EXIT(die([&] { (void)*closed; }), testing::KilledBySignal(SIGSEGV), "");
  pages.at(0)[0] = pages.at(2)[0] = 1;
}

TYPED_TEST(PlatformProcessTest, ForkedChildHasACopy) {
  const std::size_t page = TypeParam::page_size();
  Pages<TypeParam> pages(2);
  std::memset(pages.at(0), 1, pages.bytes());
  EXPECT_TRUE(holds_in_child([&] {
    if (!is_filled(pages.at(0), pages.bytes(), 1)) return false;
    const bool purged = TypeParam::purge(pages.at(0), page);
    std::memset(pages.at(1), 2, page);
    return purged && is_filled(pages.at(0), page, 0);
  }));
  EXPECT_TRUE(is_filled(pages.at(0), pages.bytes(), 1));
}

// --- Fork ------------------------------------------------------------------------------------

template <class P>
constinit inline std::atomic<unsigned> hooks_asked{0};
template <class P>
constinit inline std::atomic<unsigned> hooks_run{0};

// What the fork generation is made of: one of the two tells each child from its parent.
TYPED_TEST(PlatformProcessTest, ChildFindsWipedMemoryOrRunsTheHook) {
  char* p = static_cast<char*>(TypeParam::map_wiped_on_fork(TypeParam::page_size()));
  if (p != nullptr) {
    EXPECT_TRUE(is_filled(p, TypeParam::page_size(), 0));
    std::memset(p, 1, TypeParam::page_size());
    EXPECT_TRUE(holds_in_child([&] {
      return is_filled(p, TypeParam::page_size(), 0) && is_writable(p);
    }));
    EXPECT_TRUE(is_filled(p, TypeParam::page_size(), 1));
    TypeParam::release(p, TypeParam::page_size());
  }
  const auto ran_as_asked = [] { return hooks_run<TypeParam> == hooks_asked<TypeParam>; };
  EXPECT_TRUE(holds_in_child(ran_as_asked)) << "not before it was asked for";
  errno = 4711;
  ASSERT_TRUE(TypeParam::at_fork_in_child([] { ++hooks_run<TypeParam>; }));
  EXPECT_EQ(errno, 4711);
  ++hooks_asked<TypeParam>;
  EXPECT_TRUE(holds_in_child([&] {
    if (!ran_as_asked()) return false;
    hooks_run<TypeParam> = 0;
    return bool(holds_in_child(ran_as_asked));
  }));
  EXPECT_EQ(hooks_run<TypeParam>, 0u) << "in children alone";
}

// --- The program break -----------------------------------------------------------------------

// In a child: the rest of this program has malloc'd memory there.
TYPED_TEST(PlatformProcessTest, BreakMovesThereAndBack) {
  EXPECT_TRUE(holds_in_child([] {
    const std::uintptr_t start = TypeParam::program_break();
    constexpr std::size_t kMore = 3 * kMiB + 5;
    errno = 4711;
    const bool up = TypeParam::move_break_to(start, start + kMore);
    if (!up || TypeParam::program_break() != start + kMore || sbrk(0) != (void*)(start + kMore)) {
      return false;
    }
    if (!is_filled(reinterpret_cast<void*>(start), kMore, 0)) return false;
    std::memset(reinterpret_cast<void*>(start), 1, kMore);
    const bool down = TypeParam::move_break_to(start + kMore, start);
    return down && TypeParam::program_break() == start && sbrk(0) == (void*)start && errno == 4711;
  }));
}

TYPED_TEST(PlatformProcessTest, BreakStaysWhereAMoveIsRefused) {
  EXPECT_TRUE(holds_in_child([] {
    const std::uintptr_t start = TypeParam::program_break();
    errno = 4711;
    for (const std::uintptr_t to : {std::uintptr_t{1}, std::uintptr_t{1} << 47, UINTPTR_MAX,
                                    start - (std::uintptr_t{1} << 40)}) {
      if (TypeParam::move_break_to(start, to)) return false;
      if (TypeParam::program_break() != start || sbrk(0) != (void*)start) return false;
    }
    return errno == 4711;
  }));
}

// --- Threads that are to be cancelled, or find no key ----------------------------------------

TYPED_TEST(PlatformProcessTest, IsNoCancellationPoint) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  std::atomic<bool> went_on{false};
  std::atomic<std::uint32_t> word{1};
  std::thread changer;
  in_fresh_thread([&] {
    pthread_cancel(pthread_self());
    changer = std::thread([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      word = 2;
      TypeParam::wake_one(word);
    });
    while (word.load() == 1) TypeParam::wait(word, 1);
    TypeParam::yield();
    (void)TypeParam::write(ends[1], "x", 1);
    Pages<TypeParam> pages(1);
    (void)TypeParam::purge(pages.at(0), pages.bytes());
    went_on = true;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);  // gcc's std::thread has its own end
  });
  changer.join();
  EXPECT_TRUE(went_on);
  close(ends[0]);
  close(ends[1]);
}

// In a process of its own, which has no hook yet.
TYPED_TEST(PlatformProcessDeathTest, ExitHookIsRefusedWithoutAKey) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto ask_without_keys = [] {
    pthread_key_t key;
    while (pthread_key_create(&key, nullptr) == 0) {
    }
    const auto hook = [](void*) {};
    int value = 0;
    errno = 4711;
    const bool refused = !TypeParam::at_thread_exit(hook, &value) && errno == 4711;
    pthread_key_delete(key);
    const bool granted = TypeParam::at_thread_exit(hook, &value);
    dump_coverage();
    _exit(refused && granted ? 0 : 1);
  };
  EXPECT_EXIT(ask_without_keys(), testing::ExitedWithCode(0), "");
}

// --- Last words ------------------------------------------------------------------------------

TYPED_TEST(PlatformProcessTest, WritesTextWhole) {
  std::string text;
  for (int i = 0; text.size() < kMiB; ++i) text += std::to_string(i) + "\n";  // no pipe holds it
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  std::string read_back;
  std::thread reader([&] {
    char some[3000];
    for (ssize_t n; (n = read(ends[0], some, sizeof some)) > 0;) {
      read_back.append(some, std::size_t(n));
    }
  });
  errno = 4711;
  const bool written = TypeParam::write(ends[1], text.data(), text.size());
  EXPECT_EQ(errno, 4711);
  close(ends[1]);
  reader.join();
  close(ends[0]);
  EXPECT_TRUE(written);
  EXPECT_TRUE(read_back == text);
}

TYPED_TEST(PlatformProcessTest, SaysThatTextWasNotWritten) {
  errno = 4711;
  EXPECT_FALSE(TypeParam::write(-1, "text", 4));
  EXPECT_EQ(errno, 4711);
}

TYPED_TEST(PlatformProcessDeathTest, AbortAborts) {
  const auto abort_quietly = [] {
    prepare_to_die();
    TypeParam::abort();
  };
  EXPECT_EXIT(abort_quietly(), testing::KilledBySignal(SIGABRT), "");
}

TEST(OsWriteErrorTest, WritesToStandardError) {
  EXPECT_EXIT((os::write_error("some text", 4), _exit(0)), testing::ExitedWithCode(0), "^some$");
}

}  // namespace
}  // namespace ralloc_test
