// The mutex itself, over a futex that Relacy schedules: exclusion, publication, wake-ups, and
// a holder that was lost to a fork.
//
// Invariants: what shim/mutex.h says of the word; a waiter is woken (else Relacy reports a
// deadlock); one thread alone is told that the holder died. Random searches wake sleepers for
// no reason, too. Cannot see: the kernel (its compare and queueing are one step here).
#include "verify/search.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct MutexExcludes : Scenario<MutexExcludes<kThreads>, kThreads> {
  RelacyFutexSync::Mutex mutex;
  Cell<unsigned> count{0};

  void thread(unsigned) {
    for (unsigned i = 0; i < 2; ++i) {
      RelacyFutexSync::Guard guard(mutex);
      require(!guard.holder_died(), "nobody died");
      count.set(count.get() + 1);
    }
  }
  void after() { require(count.get() == 2 * kThreads, "a turn is lost"); }
};

const Listed<MutexExcludes, 4> listed{"MutexExcludes", "mutex", 2};

template <unsigned kThreads>
struct MutexLosesHolder : Scenario<MutexLosesHolder<kThreads>, kThreads> {
  RelacyFutexSync::Mutex mutex;
  Cell<unsigned> deaths{0};

  void before() {
    Execution::writes_until_lost = 1;
    try {
      RelacyFutexSync::Guard guard(mutex);
      deaths.set(guard.holder_died());
    } catch (const Execution::Lost&) {
    }
    ++Execution::generation;
  }
  void thread(unsigned) {
    for (unsigned i = 0; i < 2; ++i) {
      RelacyFutexSync::Guard guard(mutex);
      if (guard.holder_died()) deaths.set(deaths.get() + 1);
    }
  }
  void after() { require(deaths.get() == 1, "not one thread was told"); }
};

const Listed<MutexLosesHolder, 4> lost{"MutexLosesHolder", "mutex", 2};

}  // namespace
}  // namespace ralloc_verify
