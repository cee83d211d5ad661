// What platform.h says of threads, of each platform.
#include <atomic>
#include <cerrno>
#include <string>
#include <thread>

#include "shim/mutex.h"
#include "tests/support/platforms.h"
#include "shim/sync.h"
#include "tests/support/threads.h"

namespace ralloc_test {
namespace {

template <class P>
class PlatformThreadTest : public testing::Test {};
TYPED_TEST_SUITE(PlatformThreadTest, Platforms, PlatformNames);

// --- A thread's end --------------------------------------------------------------------------

// What a thread leaves behind: the order in which things came to their end.
thread_local std::string* this_record = nullptr;

// The one hook of this program: a process has no second.
void on_exit(void* record) { *static_cast<std::string*>(record) += "hook "; }

struct WithDestructor {
  ~WithDestructor() { *this_record += "destructor "; }
};

TYPED_TEST(PlatformThreadTest, HookRunsWhenTheThreadEnds) {
  std::string record;
  std::string at_end_of_body;
  in_fresh_thread([&] {
    EXPECT_TRUE(TypeParam::at_thread_exit(&on_exit, &record));
    at_end_of_body = record;
  });
  EXPECT_EQ(at_end_of_body, "");
  EXPECT_EQ(record, "hook ");
}

TYPED_TEST(PlatformThreadTest, HookRunsOnceHoweverOftenItWasAskedFor) {
  std::string record;
  in_fresh_thread([&] {
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(TypeParam::at_thread_exit(&on_exit, &record));
  });
  EXPECT_EQ(record, "hook ");
}

TYPED_TEST(PlatformThreadTest, HookRunsAfterThreadLocalDestructors) {
  std::string record;
  in_fresh_thread([&] {
    EXPECT_TRUE(TypeParam::at_thread_exit(&on_exit, &record));
    this_record = &record;
    thread_local WithDestructor with_destructor;
    (void)&with_destructor;
  });
  EXPECT_EQ(record, "destructor hook ");
}

TYPED_TEST(PlatformThreadTest, ThreadThatDidNotAskHasNoHook) {
  std::string record;
  in_fresh_thread([&] { EXPECT_TRUE(TypeParam::at_thread_exit(&on_exit, &record)); });
  in_fresh_thread([] {});
  EXPECT_EQ(record, "hook ");
}

TYPED_TEST(PlatformThreadTest, EachThreadHasItsOwnValue) {
  std::string records[8];
  in_threads(8, [&](unsigned i) { EXPECT_TRUE(TypeParam::at_thread_exit(&on_exit, &records[i])); });
  for (const std::string& record : records) EXPECT_EQ(record, "hook ");
}

// --- Waiting ---------------------------------------------------------------------------------

TYPED_TEST(PlatformThreadTest, WaitReturnsAtOnceIfTheWordHasAnotherValue) {
  const std::atomic<std::uint32_t> word{1};
  TypeParam::wait(word, 2);
  TypeParam::wake_one(word);  // nobody: no harm
}

TYPED_TEST(PlatformThreadTest, WaitEndsAfterTheWordWasChangedAndWoken) {
  std::atomic<std::uint32_t> word{1};
  std::thread sleeper([&] {
    while (word.load() == 1) TypeParam::wait(word, 1);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  word = 2;
  TypeParam::wake_one(word);
  sleeper.join();
}

// Each round is one wake-up for each of two threads: one that is lost ends in a hang.
TYPED_TEST(PlatformThreadTest, NoWakeUpIsLost) {
  constexpr std::uint32_t kRounds = 4000;
  std::atomic<std::uint32_t> word{0};
  in_threads(2, [&](unsigned mine) {
    for (std::uint32_t round = 0; round < kRounds; ++round) {
      std::uint32_t seen;
      while ((seen = word.load()) % 2 != mine) TypeParam::wait(word, seen);
      word.store(seen + 1);
      TypeParam::wake_one(word);
    }
  });
  EXPECT_EQ(word.load(), 2 * kRounds);
}

template <class P>
struct SleepySync : ralloc::StdSync {
  static constexpr unsigned kSpinTries = 0;
  static void wait(const Atomic<std::uint32_t>& word, std::uint32_t value) {
    P::wait(word, value);
  }
  static void wake_one(const Atomic<std::uint32_t>& word) { P::wake_one(word); }
};

TYPED_TEST(PlatformThreadTest, MutexExcludesAndLeavesNobodyAsleep) {
  using Mutex = ralloc::FutexMutex<SleepySync<TypeParam>>;
  Mutex mutex;
  unsigned plain = 0;
  in_threads(4, [&](unsigned) {
    for (int i = 0; i < 3000; ++i) {
      ralloc::Guard<Mutex> guard(mutex);
      EXPECT_FALSE(guard.holder_died());
      ++plain;
      if (i % 16 == 0) TypeParam::yield();
    }
  });
  EXPECT_EQ(plain, 12'000u);
}

// --- The clock, and errno --------------------------------------------------------------------

TYPED_TEST(PlatformThreadTest, ClockGoesForwardAlone) {
  const std::uint64_t begin = TypeParam::now_ms();
  std::uint64_t last = begin;
  while (last < begin + 30) {  // a clock that stands still hangs here
    const std::uint64_t now = TypeParam::now_ms();
    ASSERT_GE(now, last);
    last = now;
    TypeParam::yield();
  }
}

TYPED_TEST(PlatformThreadTest, KeepsErrno) {
  std::atomic<std::uint32_t> word{1};
  std::string record;
  int kept = 0;
  in_fresh_thread([&] {
    std::thread changer;
    {
      changer = std::thread([&] {
        word = 2;
        TypeParam::wake_one(word);
      });
    }
    errno = 4711;
    TypeParam::wait(word, 3);
    TypeParam::wait(word, 1);
    TypeParam::wake_one(word);
    TypeParam::yield();
    (void)TypeParam::at_thread_exit(&on_exit, &record);
    kept = errno;
    changer.join();
  });
  EXPECT_EQ(kept, 4711);
}

}  // namespace
}  // namespace ralloc_test
