// Runs long enough to share a bin with others are cut at both ends and in the middle, and come
// together again.
//
// Invariants: I9 (every page is in one run; what is cut off keeps its age), I1 of large blocks.
// Cannot see: growth and shortening (ledger_model.cc).
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct LongRuns : PoolScenario<LongRuns<kThreads>, kThreads> {
  static constexpr std::size_t kPages = 36;
  static_assert(kPages % TinyLimits::kSectorPages == 0, "else a clean rest comes beside it");

  void before() { this->give_large(this->take_large(kPages), kPages); }
  void thread(unsigned t) {
    switch (t) {
      case 0:
        // The run in front of that of thread 1, if it is there, is too short for this.
        this->give_large(this->take_large(1, 8), 1);
        break;
      case 1:
        this->give_large(this->take_large(2, 8), 2);
        this->give_large(this->take_large(1), 1);
        break;
      default:
        this->take_and_give(0, kTwoBlocks);
    }
  }
  void after() {
    // A thread that read the clock earlier gives later: the order of age stays.
    typename LongRuns::Span* runs[4];
    for (auto*& run : runs) run = this->take_large(1);
    ++World::now_ms;
    this->give_large(runs[0], 1);
    --World::now_ms;
    this->give_large(runs[2], 1);
    require(this->pool.is_valid(), "runs are not in order of age");
    ++World::now_ms;
    for (auto* run : {runs[1], runs[3]}) this->give_large(run, 1);
    this->check_all_is_home();
    const auto counts = this->pool.ledger().counts();
    require(counts.dirty_bytes == kPages * kPageBytes, "the run is not whole");
    require(this->pool.purge(World::now_ms, World::now_ms, SIZE_MAX) == counts.dirty_bytes,
            "a page has lost its age");
  }
};

const Listed<LongRuns> listed{"LongRuns", "I1 I5 I9", 2};

}  // namespace
}  // namespace ralloc_verify
