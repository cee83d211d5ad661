// One thread at a time, no lost wake-up, and a holder lost to a fork is noticed.
#include "shim/mutex.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "shim/sync.h"
#include "tests/support/build.h"
#include "tests/support/child.h"
#include "tests/support/threads.h"

namespace ralloc {
namespace {

using ralloc_test::holds_in_child;
using ralloc_test::in_threads;

// The policy that ships, with a count of what a waiter does.
struct CountingSync : StdSync {
  static inline std::atomic<unsigned> pauses{0};
  static inline std::atomic<unsigned> sleeps{0};
  static inline std::atomic<unsigned> wakes{0};

  static void pause() {
    ++pauses;
    StdSync::pause();
  }
  static void wait(const Atomic<std::uint32_t>& word, std::uint32_t value) {
    ++sleeps;
    StdSync::wait(word, value);
  }
  static void wake_one(const Atomic<std::uint32_t>& word) {
    ++wakes;
    StdSync::wake_one(word);
  }
};

using Mutex = FutexMutex<CountingSync>;

class MutexTest : public testing::Test {
 protected:
  void SetUp() override { CountingSync::pauses = CountingSync::sleeps = CountingSync::wakes = 0; }

  // Runs `body` while another thread holds the mutex and, if asked, a third one sleeps for it.
  template <class Body>
  void while_held(bool with_waiter, Body body) {
    std::atomic<bool> held{false};
    std::atomic<bool> done{false};
    std::thread holder([&] {
      Guard guard(mutex_);
      (void)guard.holder_died();
      held = true;
      held.notify_one();
      done.wait(false);
    });
    held.wait(false);
    std::thread waiter([&] {
      EXPECT_FALSE(with_waiter && holder_died());
    });
    while (with_waiter && CountingSync::sleeps == 0) std::this_thread::yield();
    body();
    done = true;
    done.notify_one();
    holder.join();
    waiter.join();
  }

  // Locks and unlocks; says what lock() said.
  bool holder_died() {
    Guard guard(mutex_);
    return guard.holder_died();
  }

  Mutex mutex_;
};

TEST_F(MutexTest, IsOneWord) { static_assert(sizeof(Mutex) == 4); }

TEST_F(MutexTest, SaysThatItsHolderLeft) {
  EXPECT_FALSE(holder_died());
  EXPECT_FALSE(holder_died());
}

TEST_F(MutexTest, MakesNoSystemCallWithoutContention) {
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(holder_died());
  EXPECT_EQ(CountingSync::sleeps, 0u);
  EXPECT_EQ(CountingSync::wakes, 0u);
}

TEST_F(MutexTest, LetsOneThreadInAtATime) {
  constexpr unsigned kThreads = 8;
  constexpr unsigned kTurns = 20000;
  unsigned turns = 0;  // plain: a second thread inside would lose some, and be a race
  bool died = false;
  in_threads(kThreads, [&](unsigned) {
    for (unsigned i = 0; i < kTurns; ++i) {
      Guard guard(mutex_);
      died |= guard.holder_died();
      ++turns;
    }
  });
  EXPECT_EQ(turns, kThreads * kTurns);
  EXPECT_FALSE(died);
}

TEST_F(MutexTest, SpinsBeforeItSleeps) {
  while_held(true, [] { EXPECT_GE(CountingSync::pauses, Config::kSpinTries); });
}

TEST_F(MutexTest, WakesEverySleeper) {
  constexpr unsigned kThreads = 6;
  std::thread sleepers;
  {
    Guard guard(mutex_);
    EXPECT_FALSE(guard.holder_died());
    sleepers = std::thread([&] {
      in_threads(kThreads, [&](unsigned) { EXPECT_FALSE(holder_died()); });
    });
    while (CountingSync::sleeps < kThreads) std::this_thread::yield();
  }
  sleepers.join();  // hangs, were one of them forgotten
  EXPECT_GE(CountingSync::wakes, kThreads);
  EXPECT_FALSE(holder_died());
}

TEST_F(MutexTest, ChildIsToldThatTheHolderDied) {
  while_held(false, [&] {
    EXPECT_TRUE(holds_in_child([&] { return holder_died(); }));
    EXPECT_TRUE(holds_in_child([&] { return holder_died(); })) << "in a second child";
  });
}

TEST_F(MutexTest, ChildIsToldOnce) {
  while_held(false, [&] {
    EXPECT_TRUE(holds_in_child([&] { return holder_died() && !holder_died(); }));
  });
}

TEST_F(MutexTest, ChildTakesOverWhatOthersWaitedFor) {
  while_held(true, [&] {
    EXPECT_TRUE(holds_in_child([&] { return holder_died() && !holder_died(); }));
  });
}

TEST_F(MutexTest, ChildWaitsForNoMutexThatWasFree) {
  EXPECT_TRUE(holds_in_child([&] { return !holder_died(); }));
}

TEST_F(MutexTest, ParentGoesOnAfterItsChildTookOver) {
  while_held(true, [&] { EXPECT_TRUE(holds_in_child([&] { return holder_died(); })); });
  EXPECT_FALSE(holder_died());
}

TEST_F(MutexTest, GrandchildIsToldThatTheHolderDied) {
  while_held(false, [&] {
    EXPECT_TRUE(holds_in_child([&] {
      return bool(holds_in_child([&] { return holder_died() && !holder_died(); }));
    }));
  });
}

TEST_F(MutexTest, GrandchildFindsFreeWhatTheChildTookOver) {
  while_held(false, [&] {
    EXPECT_TRUE(holds_in_child([&] {
      return holder_died() && holds_in_child([&] { return !holder_died(); });
    }));
  });
}

TEST_F(MutexTest, GrandchildIsToldThatAThreadOfTheChildDied) {
  if (ralloc_test::kThreadSanitizer) return;  // refuses threads in a forked child
  while_held(false, [&] {
    EXPECT_TRUE(holds_in_child([&] {
      bool told = holder_died();
      while_held(false, [&] { told = told && holds_in_child([&] { return holder_died(); }); });
      return told && !holder_died();
    }));
  });
}

TEST_F(MutexTest, OneThreadOfTheChildIsTold) {
  if (ralloc_test::kThreadSanitizer) return;  // refuses threads in a forked child
  while_held(true, [&] {
    EXPECT_TRUE(holds_in_child([&] {
      unsigned told = 0;
      unsigned turns = 0;
      in_threads(4, [&](unsigned) {
        for (unsigned i = 0; i < 1000; ++i) {
          Guard guard(mutex_);
          told += guard.holder_died();
          ++turns;
        }
      });
      return told == 1 && turns == 4000;
    }));
  });
}

}  // namespace
}  // namespace ralloc
