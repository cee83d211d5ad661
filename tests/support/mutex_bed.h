// A mutex that counts what waiters do, and threads that hold it.
//
// Thread safety: one test at a time.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "shim/mutex.h"
#include "shim/sync.h"

namespace ralloc_test {

using ralloc::FutexMutex;
using ralloc::Guard;
using ralloc::StdSync;

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

class MutexBed : public testing::Test {
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
      while (!done) std::this_thread::yield();
    });
    while (!held) std::this_thread::yield();
    std::thread waiter([&] {
      EXPECT_FALSE(with_waiter && holder_died());
    });
    while (with_waiter && CountingSync::sleeps == 0) std::this_thread::yield();
    body();
    done = true;
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

}  // namespace ralloc_test
