// Spans of more than 64 blocks, whose bits are in records of their own, go through more than
// one word of them and through the bins of fullness.
//
// Invariants: I2 (the number of free blocks is that of the bits), I4, I9. Blocks have no payload
// here: several share a place. Cannot see: I1, which the other models do.
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct LongSpans : PoolScenario<LongSpans<kThreads>, kThreads> {
  static constexpr std::size_t kEach = 40;
  void* blocks[3][kEach];

  void before() {
    for (auto& mine : blocks) take(mine, kEach);
  }
  void take(void** to, std::size_t n) {
    for (std::size_t taken = 0; taken < n;) {
      const std::size_t more = this->pool.take(0, kManyBlocks, to + taken, n - taken);
      require(more != 0, "no memory");
      taken += more;
    }
  }
  void thread(unsigned t) {
    this->pool.give(blocks[t], kEach);
    take(blocks[t], kEach / 2);
    this->pool.give(blocks[t], kEach / 2);
  }
  void after() {
    require(this->pool.is_valid(), "a structure is not valid");
    if (kThreads < 3) this->pool.give(blocks[2], kEach);
    this->check_all_is_home();
  }
};

const Listed<LongSpans> listed{"LongSpans", "I2 I4 I9", 3};

}  // namespace
}  // namespace ralloc_verify
