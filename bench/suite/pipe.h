#pragma once
// A bounded queue of blocks from one thread to another.
//
// Thread safety: one thread pushes, one pops. Whoever has to wait yields the processor: there may
// be more threads than processors.
#include <array>
#include <atomic>
#include <cstddef>

#include "bench/suite/waits.h"

namespace ralloc::bench {

class Pipe {
 public:
  void push(void* block) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    // Acquire pairs with the release in pop: the place is free.
    while (tail - seen_head_ == kPlaces) {
      seen_head_ = head_.load(std::memory_order_acquire);
      if (tail - seen_head_ == kPlaces) yield_of_the_case();
    }
    places_[tail % kPlaces] = block;
    tail_.store(tail + 1, std::memory_order_release);
  }

  void* pop() {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    // Acquire pairs with the release in push: the block is there.
    while (seen_tail_ == head) {
      seen_tail_ = tail_.load(std::memory_order_acquire);
      if (seen_tail_ == head) yield_of_the_case();
    }
    void* const block = places_[head % kPlaces];
    head_.store(head + 1, std::memory_order_release);
    return block;
  }

 private:
  static constexpr std::size_t kPlaces = 1024;

  // What the pusher writes, what the popper writes and what both do lie on lines of their own. Each
  // looks at the other's counter only when what it saw last is used up.
  alignas(128) std::atomic<std::size_t> tail_{0};
  std::size_t seen_head_ = 0;
  alignas(128) std::atomic<std::size_t> head_{0};
  std::size_t seen_tail_ = 0;
  alignas(128) std::array<void*, kPlaces> places_{};
};

}  // namespace ralloc::bench
