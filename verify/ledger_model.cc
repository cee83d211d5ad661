// Runs are split, merged, lengthened and shortened while spans are taken from between them.
//
// Invariants: I9 (every page is in one run, neighbours in one state merge), I6, I1 of large
// blocks, I3 of their entries. Cannot see: purging (decay_model.cc), blocks apart
// (apart_model.cc).
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct LedgerRuns : PoolScenario<LedgerRuns<kThreads>, kThreads> {
  void before() {
    // Three neighbours, the middle one stays: the others become dirty runs apart.
    auto* low = this->take_large(2);
    auto* middle = this->take_large(1);
    auto* high = this->take_large(2);
    this->give_large(low, 2);
    this->give_large(high, 2);
    block_ = middle;
  }
  void thread(unsigned t) {
    switch (t) {
      case 0: {
        // Of its neighbour's two pages one, or both.
        const std::size_t more = kThreads > 2 ? 2 : 1;
        const bool is_longer = this->pool.ledger().extend(block_, 1 + more);
        for (std::size_t i = 1; is_longer && i <= more; ++i) {
          World::hold(block_->begin() + i * kPageBytes);
        }
        this->give_large(block_, is_longer ? 1 + more : 1);
        break;
      }
      case 1: {
        auto* span = this->take_large(2);
        World::let_go(span->begin() + kPageBytes);
        this->pool.shorten_large(span, 1);
        this->give_large(span, 1);
        break;
      }
      default:
        this->take_and_give(0, kTwoBlocks);
        this->give_large(this->take_large(1), 1);
    }
  }
  void after() { this->check_all_is_home(); }

 private:
  typename PoolScenario<LedgerRuns, kThreads>::Span* block_;
};

const Listed<LedgerRuns> listed{"LedgerRuns", "I1 I3 I5 I6 I9", 2};

}  // namespace
}  // namespace ralloc_verify
