// Places by which threads hand blocks over, synchronising no more than that: who takes a block
// sees what who put it had written, and nothing flows the other way. So what the putter gets
// from the allocator next is ordered after the taker's free by the allocator alone.
//
// Thread safety: any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>

#include "stress/stamped_block.h"

namespace ralloc_stress {

template <std::size_t kCount>
class Slots {
 public:
  Slots() = default;
  Slots(const Slots&) = delete;
  ~Slots() {
    for (std::size_t i = 0; i < kCount; ++i) (void)take(i);
  }

  static constexpr std::size_t count() { return kCount; }

  bool is_empty(std::size_t i) const {
    return slots_[i].load(std::memory_order_relaxed) == nullptr;
  }
  // Puts the block into slot `i` if that is empty; else the caller keeps it.
  void put(std::size_t i, StampedBlock& block) {
    void* released = block.release();
    void* empty = nullptr;
    // Release pairs with the acquire in take().
    if (!slots_[i].compare_exchange_strong(empty, released, std::memory_order_release,
                                           std::memory_order_relaxed)) {
      block = StampedBlock(released);
    }
  }
  // The block of slot `i`; none if it is empty.
  StampedBlock take(std::size_t i) {
    if (is_empty(i)) return {};
    // Acquire pairs with the release in put().
    return StampedBlock(slots_[i].exchange(nullptr, std::memory_order_acquire));
  }

 private:
  std::array<std::atomic<void*>, kCount> slots_{};
};

}  // namespace ralloc_stress
