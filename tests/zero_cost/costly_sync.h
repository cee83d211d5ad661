// Policies that cost something, each in one way: what zero_cost.py must notice.
//
// Thread safety: none is run.
#pragma once

#include "tests/support/watched_sync.h"

namespace ralloc {

// Counts the writes of plain fields.
struct CountingSync : ralloc_test::WatchedSync<CountingSync> {
  static inline std::uint64_t writes = 0;
  static void write() { ++writes; }
};

// Orders everything.
struct StrictSync : StdSync {
  static constexpr std::memory_order kRelaxed = std::memory_order_seq_cst;
  static constexpr std::memory_order kAcquire = std::memory_order_seq_cst;
  static constexpr std::memory_order kRelease = std::memory_order_seq_cst;
};

// Has a mutex that counts its turns.
struct CarefulSync : StdSync {
  class CAPABILITY("mutex") Mutex {
   public:
    [[nodiscard]] Holder lock() ACQUIRE() {
      const Holder last = mutex_.lock();
      if (last == Holder::kLeft) ++turns_;
      return last;
    }
    void unlock() RELEASE() { mutex_.unlock(); }

   private:
    FutexMutex<StdSync> mutex_;
    std::uint64_t turns_ = 0;
  };
};

}  // namespace ralloc
