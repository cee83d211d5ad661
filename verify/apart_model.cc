// Large blocks with mappings of their own come, grow, shrink and go, while others reserve and take.
//
// Invariants: I6 (addresses are released after their record is gone, and while nobody has
// them), I8 (their sectors are free for others at once), I9. Cannot see: the kernel moving
// pages (linux_test.cc).
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct Apart : PoolScenario<Apart<kThreads>, kThreads> {
  void before() {
    this->take_and_give(0, kTwoBlocks);
    World::clashing_reserves = 1;
    released_ = 0;
  }
  void thread(unsigned t) {
    if (t == 2) {
      this->take_and_give(0, kTwoBlocks);
      this->give_large(this->take_large(1), 1);
      return;
    }
    require(this->pool.take_guarded(kPageBytes, 1) == nullptr, "there are none in this build");
    auto* span = this->pool.take_apart(5);
    require(span != nullptr && span->pages_.get() == 8, "no memory");
    this->hold_large(span, 5);
    const bool grew = this->pool.ledger().extend(span, 9);  // unless another has reserved since
    require(span->pages_.get() == (grew ? 12 : 8), "a block apart grows by whole sectors");
    require(!this->pool.ledger().extend(span, 13 + kWindowPages), "more than the map covers");
    if (t == 0) {
      released_ = span->pages_.get();
      World::let_go(span->begin() + 4 * kPageBytes);
      this->pool.shorten_large(span, 4);
      this->let_go_large(span, 4);
      this->pool.free_large(span);
    } else {
      this->let_go_large(span, 5);
      this->pool.lose_large(span);
    }
  }
  void after() {
    require(World::pages_released == released_, "addresses are not released");
    this->check_all_is_home();
  }

  std::size_t released_ = 0;
};

const Listed<Apart> listed{"Apart", "I3 I6 I8 I9", 2};

}  // namespace
}  // namespace ralloc_verify
