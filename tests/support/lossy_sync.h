// A synchronisation policy under which a thread can be lost in the middle of its work, as it
// is to a child when another thread forks: at any write of shared state, and in one process.
//
// Thread safety: one thread.
#pragma once

#include <exception>

#include "shim/mutex.h"
#include "tests/support/small_pool.h"
#include "tests/support/watched_sync.h"

namespace ralloc_test {

struct LossySync : WatchedSync<LossySync> {
  // What ends the lost thread; its destructors stand for nothing, as the mutex sees to.
  struct Lost {};
  static inline unsigned steps_until_lost = 0;  // 0: none is

  static void step() {
    if (steps_until_lost != 0 && --steps_until_lost == 0) throw Lost{};
  }
  static void write() { step(); }

  class CAPABILITY("mutex") Mutex {
   public:
    [[nodiscard]] ralloc::Holder lock() ACQUIRE() {
      step();
      const ralloc::Holder last = last_;
      last_ = ralloc::Holder::kLeft;
      return last;
    }
    void unlock() RELEASE() {
      if (std::uncaught_exceptions() != 0) last_ = ralloc::Holder::kDied;
    }

   private:
    ralloc::Holder last_ = ralloc::Holder::kLeft;
  };
  using Guard = ralloc::Guard<Mutex>;
};

// Whether `work` was cut off at its `step`-th step; else it was done before.
template <class Work>
bool is_lost_at(unsigned step, Work work) {
  LossySync::steps_until_lost = step;
  try {
    work();
  } catch (const LossySync::Lost&) {
    return true;
  }
  LossySync::steps_until_lost = 0;
  return false;
}

// Records in whose midst a thread can be lost too.
struct LossyMetadata : FakeMetadata {
  void* take(std::size_t bytes) {
    LossySync::step();
    return FakeMetadata::take(bytes);
  }
  void give(void* piece, std::size_t bytes) {
    LossySync::step();
    FakeMetadata::give(piece, bytes);
  }
};

struct LossyLimits : SmallLimits {
  using Metadata = LossyMetadata;
};

}  // namespace ralloc_test
