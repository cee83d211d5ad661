// A thread makes its pool, allocates, and ends, while others free its blocks; destructors that
// run after its exit hook free and allocate past the magazines.
//
// Invariants: I7 (what the pool held is home, its records and its room too), I1, I2, I4. Pools
// are made and closed within the threads, so their records pass from one to another.
// Cannot see: the order of a system's exit hooks (shim/thread_exit.h; verify/spin).
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct ThreadExit : PoolScenario<ThreadExit<kThreads>, kThreads> {
  void* inherited[3] = {};

  void before() {
    for (unsigned t = 0; t < kThreads; ++t) inherited[t] = this->take(t % 2, kTwoBlocks);
  }
  void thread(unsigned t) {
    if (t == 1) {
      // The late calls of a destructor.
      this->give(inherited[t]);
      this->take_and_give(0, kTwoBlocks);
      return;
    }
    TinyLocalPool* local = TinyLocalPool::open(this->pool);
    this->deallocate(local, inherited[t]);
    if (t == 0) this->deallocate(local, this->allocate(local, kTwoBlocks));
    local->close();
  }
  void after() { this->check_all_is_home(); }
};

const Listed<ThreadExit> listed{"ThreadExit", "I1 I2 I4 I7", 2};

// Magazines grow on the budget of all pools, swing, and shrink when unused; what they drew is
// put back by the end.
template <unsigned kThreads>
struct PoolsGrow : PoolScenario<PoolsGrow<kThreads>, kThreads> {
  TinyLocalPool* locals[3] = {};
  void* blocks[3][2] = {};

  void before() {
    for (unsigned t = 0; t < kThreads; ++t) {
      locals[t] = TinyLocalPool::open(this->pool);
      blocks[t][0] = this->allocate(locals[t], kTwoBlocks);
    }
  }
  void thread(unsigned t) {
    // The second miss is a swing: each magazine doubles on a budget that serves one pool.
    blocks[t][1] = this->allocate(locals[t], kTwoBlocks);
    if (kThreads > 2) this->deallocate(locals[t], blocks[t][0]);
    require(locals[t]->is_valid(), "a local pool is not valid");
  }
  void after() {
    require(this->pool.budget().drawn() == TinyConfig::kAllPoolsBytes, "not what one pool grew");
    for (unsigned t = 0; t < kThreads; ++t) {
      if (kThreads == 2) this->deallocate(locals[t], blocks[t][0]);
      this->deallocate(locals[t], blocks[t][1]);
      // Other classes age the magazine until it is shrunk.
      for (unsigned i = 0; i < 4; ++i) {
        this->deallocate(locals[t], this->allocate(locals[t], kThreeBlocks));
        locals[t]->flush();
      }
      require(locals[t]->bytes() == 0, "a flushed pool keeps blocks");
      locals[t]->close();
    }
    this->check_all_is_home();
  }
};

const Listed<PoolsGrow> grow{"PoolsGrow", "I1 I2 I7 budget", 2};

}  // namespace
}  // namespace ralloc_verify
