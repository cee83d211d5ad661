// What is counted of threads that wait.
#include "bench/suite/waits.h"

#include <gtest/gtest.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>

namespace ralloc::bench {
namespace {

std::uint32_t word = 0;

// Sleeps at the futex for a moment, if it has that value.
long wait_at(int operation, std::uint32_t value) {
  const timespec moment = {0, 1'000'000};
  return syscall(SYS_futex, &word, operation, value, &moment, nullptr,
                 FUTEX_BITSET_MATCH_ANY);
}

// Whether the thread is in the kernel, to be woken.
bool sleeps(pid_t thread) {
  std::ifstream stat("/proc/self/task/" + std::to_string(thread) + "/stat");
  const std::string line{std::istreambuf_iterator<char>(stat), {}};
  const std::size_t end_of_name = line.rfind(") ");
  return end_of_name != std::string::npos && line[end_of_name + 2] == 'S';
}

class WaitsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    static const bool is_counting = count_waits();
    if (!is_counting) GTEST_SKIP() << "no seccomp filters here";
    stand_outside_of_loop();
    before_ = waits_in_loops();
  }

  void expect(std::uint64_t at_mutexes, std::uint64_t slept, std::uint64_t yields) const {
    const Waits now = waits_in_loops();
    EXPECT_EQ(now.at_mutexes - before_.at_mutexes, at_mutexes);
    EXPECT_EQ(now.slept - before_.slept, slept);
    EXPECT_EQ(now.yields - before_.yields, yields);
  }

 private:
  Waits before_{};
};

TEST_F(WaitsTest, ASleepAtAFutexIsCountedAndEndsAsItWouldHave) {
  enter_loop();
  errno = 0;
  EXPECT_EQ(wait_at(FUTEX_WAIT_PRIVATE, 0), -1);
  EXPECT_EQ(errno, ETIMEDOUT);
  leave_loop();
  expect(1, 1, 0);
}

TEST_F(WaitsTest, WhoFindsTheMutexFreeAgainDidNotSleep) {
  enter_loop();
  EXPECT_EQ(wait_at(FUTEX_WAIT_PRIVATE, 1), -1);
  EXPECT_EQ(errno, EAGAIN);
  leave_loop();
  expect(1, 0, 0);
}

TEST_F(WaitsTest, TheClockOfAWaitIsNoMatter) {
  enter_loop();
  wait_at(FUTEX_WAIT_BITSET_PRIVATE, 1);
  wait_at(FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 1);
  leave_loop();
  expect(2, 0, 0);
}

TEST_F(WaitsTest, WhoWakesDoesNotWait) {
  enter_loop();
  EXPECT_EQ(syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0), 0);
  leave_loop();
  expect(0, 0, 0);
}

TEST_F(WaitsTest, OutsideOfTheLoopNothingIsCounted) {
  wait_at(FUTEX_WAIT_PRIVATE, 0);
  enter_loop();
  leave_loop();
  wait_at(FUTEX_WAIT_PRIVATE, 0);
  sched_yield();
  expect(0, 0, 0);
}

TEST_F(WaitsTest, YieldsAndNapsAreCountedApart) {
  const timespec moment = {0, 1000};
  enter_loop();
  sched_yield();
  nanosleep(&moment, nullptr);
  leave_loop();
  expect(0, 0, 2);
}

TEST_F(WaitsTest, TheCasesOwnYieldsAreNotCounted) {
  enter_loop();
  yield_of_the_case();
  leave_loop();
  expect(0, 0, 0);
}

TEST_F(WaitsTest, AWaitForAThreadIsNotCountedAndWhatItWaitsForIs) {
  enter_loop();
  std::thread([] { wait_at(FUTEX_WAIT_PRIVATE, 0); }).join();
  leave_loop();
  expect(1, 1, 0);
}

TEST_F(WaitsTest, AThreadThatHasALoopIsNotCountedBeforeIt) {
  enter_loop();
  std::thread([] {
    stand_outside_of_loop();
    wait_at(FUTEX_WAIT_PRIVATE, 0);
  }).join();
  leave_loop();
  expect(0, 0, 0);
}

TEST_F(WaitsTest, AMutexThatIsHeldIsSleptAt) {
  std::mutex mutex;
  std::atomic<pid_t> waiter_id{0};
  mutex.lock();
  std::thread waiter([&] {
    waiter_id.store(gettid(), std::memory_order_relaxed);
    enter_loop();
    mutex.lock();
    mutex.unlock();
    leave_loop();
  });
  while (!sleeps(waiter_id.load(std::memory_order_relaxed))) std::this_thread::yield();
  mutex.unlock();
  waiter.join();
  expect(1, 1, 0);
}

}  // namespace
}  // namespace ralloc::bench
