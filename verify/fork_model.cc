// In a child, the shard's or the ledger's mutex (or both) was held by a thread that the fork
// lost: who comes next retires what it guarded, and all go on with fresh state.
//
// Invariants: I1 (no block is given out twice), I3 (blocks from before the fork stay valid,
// and come home to nowhere), I5; nobody waits for the dead. The mutex is the one that ships.
// Cannot see: what was half written at the fork; global_pool_lost_test.cc loses a thread at
// each of its writes. Cannot see either: a second fork (verify/spin).
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct ForkRetires : PoolScenario<ForkRetires<kThreads>, kThreads, RelacyFutexSync> {
  void* inherited[3] = {};
  void* taken = nullptr;

  void before() {
    for (void*& block : inherited) block = this->take(0, kTwoBlocks);
    const unsigned lost = 1 + rl::rand(3);
    if ((lost & 1) != 0) lose([&] { (void)this->shards[0].counts(); });
    if ((lost & 2) != 0) lose([&] { (void)this->pool.ledger().counts(); });
    ++Execution::generation;
  }
  template <class Work>
  static void lose(Work work) {
    Execution::loses_next_holder = true;
    work();
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
