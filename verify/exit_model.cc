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
  void* spares[4] = {};

  void before() {
    for (void*& spare : spares) spare = this->take(0, kTwoBlocks);
    for (unsigned t = 0; t < kThreads; ++t) {
      locals[t] = TinyLocalPool::open(this->pool);
      blocks[t][0] = this->allocate(locals[t], kTwoBlocks);
    }
    // For each thread a span with a free block, else the search is too long.
    for (unsigned i : {1, 3}) this->give(spares[i]);
  }
  void thread(unsigned t) {
    // The second miss is a swing: each magazine doubles on a budget that serves one pool.
    blocks[t][1] = this->allocate(locals[t], kTwoBlocks);
    if (kThreads > 2 && t == 0) this->deallocate(locals[t], blocks[t][0]);
    require(locals[t]->is_valid(), "a local pool is not valid");
  }
  void after() {
    require(this->pool.budget().drawn() == TinyLimits::kAllPoolsBytes, "not what one pool grew");
    for (unsigned i : {0, 2}) this->give(spares[i]);
    for (unsigned t = 0; t < kThreads; ++t) {
      if (kThreads == 2 || t != 0) this->deallocate(locals[t], blocks[t][0]);
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

const Listed<PoolsGrow, 3, 2> grow{"PoolsGrow", "I1 I2 I7 budget", 2};

// Arrays for magazines are refused: a class without any goes past its magazine, one that has
// an array keeps it, and nothing that was drawn for the larger one stays drawn.
template <unsigned kThreads>
struct PoolsLackArrays : PoolScenario<PoolsLackArrays<kThreads>, kThreads> {
  TinyLocalPool* locals[3] = {};
  void* blocks[3][2] = {};

  void before() {
    for (unsigned t = 0; t < kThreads; ++t) {
      locals[t] = TinyLocalPool::open(this->pool);
      // These use up what a pool has for first arrays, and are at home in the other shard.
      this->deallocate(locals[t], this->allocate(locals[t], kTwoBlocks));
      this->deallocate(locals[t], this->allocate(locals[t], kThreeBlocks));
      this->deallocate(locals[t], this->take((t + 1) % 2, kTwoBlocks));
    }
    World::refused_records = 1;
  }
  void thread(unsigned t) {
    // The first block of this class goes past its magazine; of the others one is in it.
    const bool is_many = t == 0;
    for (unsigned i = 0; i < (is_many ? 1 : 2); ++i) {
      blocks[t][i] = try_allocate(locals[t], is_many ? kManyBlocks : kTwoBlocks);
    }
    // A full search of more is too long.
    if (kThreads > 2) deallocate_all(t);
    require(locals[t]->is_valid(), "a local pool is not valid");
  }
  void deallocate_all(unsigned t) {
    for (void*& block : blocks[t]) {
      if (block != nullptr) this->deallocate(locals[t], std::exchange(block, nullptr));
    }
  }
  void* try_allocate(TinyLocalPool* local, unsigned size_class) {
    void* block = local->take_hit(size_class * sizeof(ralloc::Magazine));
    if (block == nullptr) block = local->refill(size_class);
    if (block != nullptr) World::hold(block);
    return block;
  }
  void after() {
    World::refused_records = 0;
    for (unsigned t = 0; t < kThreads; ++t) {
      deallocate_all(t);
      // Long after its last event a magazine does not grow beyond its base.
      locals[t]->flush();
      for (unsigned i = 0; i <= TinyConfig::kSwingEvents; ++i) {
        this->deallocate(locals[t], this->allocate(locals[t], kThreeBlocks));
        locals[t]->flush();
      }
      const std::size_t drawn = this->pool.budget().drawn();
      this->deallocate(locals[t], this->allocate(locals[t], kTwoBlocks));
      require(this->pool.budget().drawn() <= drawn, "a magazine grew that does not swing");
      locals[t]->close();
    }
    this->check_all_is_home();
  }
};

const Listed<PoolsLackArrays, 3, 2> lack{"PoolsLackArrays", "I1 I2 I7 budget", 2};

}  // namespace
}  // namespace ralloc_verify
