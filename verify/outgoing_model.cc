// Local pools of different homes free each other's blocks: an outgoing array is given home
// while its owner refills from the same spans.
//
// Invariants: I1 (no foreign block in a magazine: it would be out in the wrong shard at the
// end), I2, I4, I5, and the rooms drawn from the budget. The outgoing array holds one block at
// first, so that the second foreign free sends the first home.
// Cannot see: pools that come and go (exit_model.cc).
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct Outgoing : PoolScenario<Outgoing<kThreads>, kThreads> {
  TinyLocalPool* locals[3] = {};
  void* foreign[3][2] = {};

  void before() {
    for (unsigned t = 0; t < kThreads; ++t) locals[t] = TinyLocalPool::open(this->pool);
    for (unsigned t = 0; t < kThreads; ++t) {
      for (void*& block : foreign[t]) block = this->take((t + 1) % 2, kTwoBlocks);
    }
  }
  void thread(unsigned t) {
    this->deallocate(locals[t], foreign[t][0]);
    if (t == 0) this->deallocate(locals[t], this->allocate(locals[t], kTwoBlocks));
    this->deallocate(locals[t], foreign[t][1]);
  }
  void after() {
    for (unsigned t = 0; t < kThreads; ++t) {
      require(locals[t]->is_valid(), "a local pool is not valid");
      locals[t]->close();
    }
    this->check_all_is_home();
  }
};

const Listed<Outgoing> listed{"Outgoing", "I1 I2 I4 I5", 2};

}  // namespace
}  // namespace ralloc_verify
