// Threads of different shards take at home, and give blocks of both shards in one batch.
//
// Invariants: I1, I2, I4, I5 (one lock a shard, never two). Each thread holds a block of the
// other's shard from the begin, so that a foreign free meets the owner's takes.
// Cannot see: outgoing arrays (outgoing_model.cc).
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct Shards : PoolScenario<Shards<kThreads>, kThreads> {
  void* foreign[3] = {};

  void before() {
    for (unsigned t = 0; t < kThreads; ++t) foreign[t] = this->take((t + 1) % 2, kTwoBlocks);
  }
  void thread(unsigned t) {
    void* blocks[2] = {this->take(t % 2, kTwoBlocks), foreign[t]};
    for (void* block : blocks) this->check_key(block);
    for (void* block : blocks) World::let_go(block);
    this->pool.give(blocks, 2);
    if (t == 0) this->take_and_give(1, kTwoBlocks);
  }
  void after() { this->check_all_is_home(); }
};

const Listed<Shards> listed{"Shards", "I1 I2 I4 I5", 2};

}  // namespace
}  // namespace ralloc_verify
