// The counts are read, and the structures are walked, while all else runs.
//
// Invariants: I5 (one shard's lock at a time), I2 (what is counted lies within what there is).
// The counts of several locks are no snapshot: only bounds hold.
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct Statistics : PoolScenario<Statistics<kThreads>, kThreads> {
  void before() { this->take_and_give(0, kTwoBlocks); }
  void thread(unsigned t) {
    if (t != 0) {
      this->take_and_give(t % 2, kTwoBlocks);
      this->take_and_give(0, kThreeBlocks);
      return;
    }
    const auto counts = this->pool.counts();
    require(counts.shards.blocks_bytes <= counts.ledger.committed_bytes, "more blocks than pages");
    require(counts.ledger.dirty_bytes <= counts.ledger.committed_bytes &&
                counts.ledger.committed_bytes <= counts.ledger.reserved_bytes,
            "more pages than there are");
    require(this->pool.is_valid(), "a structure is not valid");
  }
  void after() { this->check_all_is_home(); }
};

const Listed<Statistics> listed{"Statistics", "I2 I5", 2};

}  // namespace
}  // namespace ralloc_verify
