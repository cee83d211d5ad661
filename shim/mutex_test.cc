// One thread at a time, and no lost wake-up.
#include "shim/mutex.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/support/mutex_bed.h"
#include "tests/support/threads.h"

namespace ralloc {
namespace {

using ralloc_test::CountingSync;
using ralloc_test::in_threads;
using ralloc_test::Mutex;
using MutexTest = ralloc_test::MutexBed;

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

}  // namespace
}  // namespace ralloc
