// A span is given back whole and taken again for another class and shard, while others free
// blocks of it and of its neighbour, whose page-map entries they read by plain loads.
//
// Invariants: I3 (identity and keys change only while no block lives), I4, I1.
// The span's last block may come home from any thread; dirty runs are taken first, so whoever
// takes next gets its page. Cannot see: that the map itself is new (page_map_model.cc).
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct SpanReuse : PoolScenario<SpanReuse<kThreads>, kThreads> {
  void* halves[2];
  void* neighbour;

  void before() {
    for (void*& half : halves) half = this->take(0, kTwoBlocks);
    neighbour = this->take(0, kTwoBlocks);
  }
  void thread(unsigned t) {
    switch (t) {
      case 0:
        this->give(halves[0]);
        this->take_and_give(1, kThreeBlocks);
        break;
      case 1:
        this->give(halves[1]);
        this->take_and_give(0, kThreeBlocks);
        break;
      default:
        this->give(neighbour);
        this->take_and_give(1, kTwoBlocks);
    }
  }
  void after() {
    if (kThreads < 3) this->give(neighbour);
    this->check_all_is_home();
  }
};

const Listed<SpanReuse> listed{"SpanReuse", "I1 I3 I4 I5", 2};

}  // namespace
}  // namespace ralloc_verify
