// Decayed memory is purged, and whole sectors are released, while others take and give.
//
// Invariants: I6 (a run is purged at most once and never while in use: the kernel's wipe is a
// write to every payload of the run), I9, I5 (no lock is held at the system call).
// One thread at a time is elected for a decay; a trim asks nobody. There is no background
// purger: slow paths drive the decay. Cannot see: real time.
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct Decay : PoolScenario<Decay<kThreads>, kThreads> {
  void before() {
    // A limit on addresses makes every decay release sectors too.
    World::address_limit = std::size_t{1} << 40;
    World::decay_bytes = 2 * kPageBytes;  // by parts, of what lies together
    this->give_large(this->take_large(3), 3);
    this->take_and_give(0, kTwoBlocks);
    World::now_ms += 2 * TinyLimits::kDecayMs;
  }
  void thread(unsigned t) {
    switch (t) {
      case 0:
        this->pool.decay(World::now_ms);
        this->take_and_give(0, kTwoBlocks);
        break;
      case 1:
        this->take_and_give(0, kTwoBlocks);
        this->pool.decay(World::now_ms);
        break;
      default:
        this->pool.trim();
        this->give_large(this->take_large(2), 2);
    }
  }
  void after() {
    require(World::pages_purged + World::pages_released != 0, "nothing was returned");
    this->check_all_is_home();
  }
};

const Listed<Decay> listed{"Decay", "I5 I6 I9", 2};

// Who looks is elected: of threads that see the decay due at once, one goes.
template <unsigned kThreads>
struct DecayElection : PoolScenario<DecayElection<kThreads>, kThreads> {
  unsigned elected = 0;
  void thread(unsigned) {
    for (unsigned i = 0; i < 2; ++i) {
      if (this->pool.ledger().is_decay_due(World::now_ms, TinyLimits::kDecayMs)) ++elected;
    }
  }
  void after() { require(elected == 1, "not one thread was elected"); }
};

const Listed<DecayElection> elected{"DecayElection", "I6", 2};

// More is dirty than may be: who gives a run returns the oldest at once, while others give too.
template <unsigned kThreads>
struct DirtyLimit : PoolScenario<DirtyLimit<kThreads>, kThreads> {
  typename DirtyLimit::Pool::Span* runs[3] = {};

  void before() {
    World::dirty_bytes = 2 * kPageBytes;
    for (unsigned t = 0; t < kThreads; ++t) runs[t] = this->take_large(2 + t % 2);
  }
  void thread(unsigned t) { this->give_large(runs[t], 2 + t % 2); }
  void after() {
    require(World::pages_purged != 0, "nothing was returned");
    require(this->pool.counts().ledger.dirty_bytes <= World::dirty_bytes, "too much is dirty");
    this->check_all_is_home();
  }
};

const Listed<DirtyLimit> limit{"DirtyLimit", "I5 I6 I9", 2};

}  // namespace
}  // namespace ralloc_verify
