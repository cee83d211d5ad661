// Local pools of different homes free each other's blocks: an outgoing array is given home
// while its owner refills from the same spans, and what has cache lines of its own is kept.
//
// Invariants: I1 (no foreign block in a magazine but such), I2, I4, I5, and the rooms drawn from
// the budget. The outgoing array holds one block at first, so that the second foreign free sends
// the first home.
// Cannot see: pools that come and go (exit_model.cc).
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct Outgoing : PoolScenario<Outgoing<kThreads>, kThreads> {
  TinyLocalPool* locals[3] = {};
  void* foreign[3][2] = {};
  void* without_lines = nullptr;  // of its own

  void before() {
    for (unsigned t = 0; t < kThreads; ++t) locals[t] = TinyLocalPool::open(this->pool);
    for (unsigned t = 0; t < kThreads; ++t) {
      for (void*& block : foreign[t]) block = this->take((t + 1) % 2, kTwoBlocks);
    }
    without_lines = this->take(1, kThreeBlocks);
  }
  void thread(unsigned t) {
    if (t != 0) {  // without a magazine there is no room
      for (void* block : foreign[t]) this->deallocate(locals[t], block);
      return;
    }
    void* const own = this->allocate(locals[0], kTwoBlocks);
    this->deallocate(locals[0], foreign[0][0]);
    this->deallocate(locals[0], own);
    this->deallocate(locals[0], foreign[0][1]);
  }
  void after() {
    void* const own = this->allocate(locals[0], kThreeBlocks);
    this->deallocate(locals[0], without_lines);
    for (unsigned t = 0; t < kThreads; ++t) {
      require(locals[t]->is_valid(), "a local pool is not valid");
      if (t == 0) this->deallocate(locals[0], own);
      locals[t]->close();
    }
    this->check_all_is_home();
  }
};

const Listed<Outgoing> listed{"Outgoing", "I1 I2 I4 I5", 2};

struct ThreeShards : TinyLimits {
  static constexpr unsigned kShards = 3;
  static unsigned shards(unsigned) { return kShards; }
};

// Those that go home at once are of two shards.
template <unsigned kThreads>
struct OutgoingSorted
    : PoolScenario<OutgoingSorted<kThreads>, kThreads, RelacySync, ThreeShards> {
  typename OutgoingSorted::LocalPool* local = nullptr;
  void* foreign[4] = {};

  void before() {
    local = OutgoingSorted::LocalPool::open(this->pool);
    for (unsigned i = 0; i < 4; ++i) foreign[i] = this->take(1 + i % 2, kThreeBlocks);
  }
  void thread(unsigned t) {
    if (t != 0) return this->take_and_give(t, kThreeBlocks);
    // The array has a place for one, and then for three.
    for (void* block : foreign) this->deallocate(local, block);
    local->flush();
  }
  void after() {
    local->close();
    this->check_all_is_home();
  }
};

const Listed<OutgoingSorted> sorted{"OutgoingSorted", "I1 I2 I4 I5", 2};

}  // namespace
}  // namespace ralloc_verify
