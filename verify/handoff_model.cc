// Threads take blocks from one shard and give them back.
//
// Invariants: I1 (a block is held by one), I2 (all are home at the end), I4 (a span becomes
// wholly free, leaves for the ledger and is taken again), I5, I9. A batch is a whole span or
// half of one, so that spans are shared and empty while others take.
// Cannot see: a second shard (shards_model.cc), local pools (exit_model.cc, outgoing_model.cc).
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct Handoff : PoolScenario<Handoff<kThreads>, kThreads> {
  void before() { exchange(2); }
  void thread(unsigned t) {
    exchange(t == 0 ? 2 : 1);
    exchange(1);
  }
  void after() { this->check_all_is_home(); }

  void exchange(std::size_t n) {
    void* blocks[2];
    n = this->pool.take(0, kTwoBlocks, blocks, n);
    require(n != 0, "no memory");
    for (std::size_t i = 0; i < n; ++i) World::hold(blocks[i]);
    for (std::size_t i = 0; i < n; ++i) World::let_go(blocks[i]);
    this->pool.give(blocks, n);
  }
};

const Listed<Handoff> listed{"Handoff", "I1 I2 I4 I5 I9", 2};

}  // namespace
}  // namespace ralloc_verify
