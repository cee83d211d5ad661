// In a child, the shard's or the ledger's mutex was held by a thread that the fork lost, at any
// of its writes: who comes next retires what was half written, and all go on with fresh state.
//
// Invariants: I1 (no block is given out twice), I3 (blocks from before the fork stay valid,
// and come home to nowhere), I5; nobody waits for the dead. The mutex is the one that ships.
// Cannot see: a second fork (verify/spin), and other calls than a take and a give that are lost
// (global_pool_lost_test.cc loses each).
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct ForkRetires : PoolScenario<ForkRetires<kThreads>, kThreads, RelacyFutexSync> {
  void* inherited[3] = {};
  void* taken = nullptr;

  void before() {
    for (void*& block : inherited) block = this->take(0, kTwoBlocks);
    lose_a_thread(kThreads > 2 ? 1 + 5 * rl::rand(12) : 1 + rl::rand(10));
    ++Execution::generation;
  }
  // At one of 60 writes; two threads go through the first of them, those in the shard.
  // It gives a block, whose span becomes wholly free and leaves, and takes one of another class.
  void lose_a_thread(unsigned write) {
    void* block = this->take(0, kThreeBlocks);
    World::let_go(block);
    Execution::writes_until_lost = write;
    try {
      this->pool.give(&block, 1);
      (void)this->pool.take(0, kThreeBlocks, &block, 1);
      require(false, "it was not lost");
    } catch (const Execution::Lost&) {
    }
  }

  void thread(unsigned t) {
    if (kThreads > 2 || t == 1) this->give(inherited[t]);
    if (t == 1) return;
    void* block = this->take(0, kTwoBlocks);
    // A full search of more is too long: it ends with the block taken.
    if (kThreads == 2) {
      taken = block;
    } else {
      this->give(block);
    }
  }
  void after() {
    if (taken != nullptr) this->give(taken);
    if (kThreads == 2) this->check_key(inherited[0]);  // its shard gave it up, with its key
    require(this->pool.is_valid(), "a structure is not valid");
    for (std::size_t i = 0; i < std::size(World::is_held); ++i) {
      const bool is_left = kThreads < 3 && (World::index(inherited[0]) == i ||
                                            World::index(inherited[2]) == i);
      require(World::is_held[i] == is_left, "a block is held by nobody, or not by its holder");
    }
  }
};

const Listed<ForkRetires> listed{"ForkRetires", "I1 I3 I5 mutex", 2};

}  // namespace
}  // namespace ralloc_verify
