// The kernel refuses address space, backing, purging or records while others work.
//
// Invariants: nothing is lost (I1, I2, I9), and what failed once works when asked again. Which
// call is refused is chosen by the scheduler, like everything else.
// Cannot see: each call of each path (tests/faults injects those one by one).
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct Refusals : PoolScenario<Refusals<kThreads>, kThreads> {
  void before() { this->take_and_give(0, kTwoBlocks); }
  void thread(unsigned t) {
    unsigned* const refusals[] = {&World::refused_reserves, &World::refused_commits,
                                  &World::refused_records};
    if (t == 0) *refusals[rl::rand(3)] = 1 + rl::rand(2);
    if (t == 1) World::refuses_purges = rl::rand(2) != 0;
    void* blocks[2];
    const std::size_t n = this->pool.take(t % 2, kTwoBlocks, blocks, 2);
    for (std::size_t i = 0; i < n; ++i) World::hold(blocks[i]);
    if (t == 0) {
      if (auto* span = this->pool.take_large(3, 2)) {
        this->hold_large(span, 3);
        this->give_large(span, 3);
      }
    }
    for (std::size_t i = 0; i < n; ++i) this->give(blocks[i]);
  }
  void after() {
    World::refused_reserves = World::refused_commits = World::refused_records = 0;
    this->take_and_give(1, kThreeBlocks);
    this->pool.trim();
    this->check_all_is_home();
  }
};

const Listed<Refusals> listed{"Refusals", "I1 I2 I9", 2};

}  // namespace
}  // namespace ralloc_verify
