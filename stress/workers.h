// The threads of a case: each has random numbers of its own, and works until the time is over.
// Nothing but their start and their end synchronises them.
//
// RALLOC_STRESS_SECONDS says how long a case lasts (2); RALLOC_TEST_SEED repeats one.
//
// Thread safety: a Worker belongs to its thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <thread>
#include <vector>

#include "stress/random.h"

namespace ralloc_stress {

using Clock = std::chrono::steady_clock;

inline Clock::duration case_duration() {
  const char* wanted = std::getenv("RALLOC_STRESS_SECONDS");
  const double seconds = wanted != nullptr ? std::strtod(wanted, nullptr) : 2;
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

struct Worker {
  Random random;
  Clock::time_point end;

  bool goes_on() const { return Clock::now() < end; }
  // The worker of another thread that this one starts.
  Worker child() { return {Random(random.next()), end}; }
};

// Runs `work(worker, number)` in `count` threads, which end when the time is over, and waits.
template <class Work>
void work_in_threads(std::uint64_t seed, unsigned count, Work work) {
  Worker first{Random(seed), Clock::now() + case_duration()};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < count; ++i) {
    threads.emplace_back([&work, i, worker = first.child()]() mutable { work(worker, i); });
  }
  for (std::thread& thread : threads) thread.join();
}

// Runs `work(worker)` in a fresh thread, which has no local pool yet, and waits.
template <class Work>
void work_in_fresh_thread(Worker& parent, Work work) {
  std::thread([&work, worker = parent.child()]() mutable { work(worker); }).join();
}

}  // namespace ralloc_stress
