// Threads that begin together.
//
// Thread safety: any thread.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

namespace ralloc_test {

// Runs `body(i)` for each i below `count` in a thread of its own, and waits for all.
template <class Body>
void in_threads(unsigned count, Body body) {
  // Not a std::latch: where the library has no futex for it (libstdc++ 12 on Windows), it loses a
  // wake-up now and then.
  std::atomic<unsigned> missing{count};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      --missing;
      while (missing != 0) std::this_thread::yield();
      body(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Runs `body` in a thread of its own, which has no local pool yet, and waits for it.
template <class Body>
void in_fresh_thread(Body body) {
  std::thread(body).join();
}

}  // namespace ralloc_test
