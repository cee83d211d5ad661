// Threads that begin together.
//
// Thread safety: any thread.
#pragma once

#include <latch>
#include <thread>
#include <vector>

namespace ralloc_test {

// Runs `body(i)` for each i below `count` in a thread of its own, and waits for all.
template <class Body>
void in_threads(unsigned count, Body body) {
  std::latch start(count);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
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
