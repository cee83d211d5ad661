// A program frees what it does not hold, while others take and give.
//
// Invariants: I1 is checked where a block comes home: what is free there already, begins no
// block, or is of a span that has left, is reported, with no lock held (I5), and nothing else
// changes. Each thread misuses blocks of its own, whose spans stay: a free that has no right to
// a block may race with everything, and neither the model nor the program can say how.
// Cannot see: pointers that are nobody's, which are caught in alloc/ (tests/misuse).
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

using ralloc::Misuse;

template <unsigned kThreads>
struct Misuses : PoolScenario<Misuses<kThreads>, kThreads> {
  void* blocks[4] = {};  // of one span of shard 0 the first three, of shard 1 the last
  TinyLocalPool* local = nullptr;

  void before() {
    for (unsigned i = 0; i < 3; ++i) blocks[i] = this->take(0, kThreeBlocks);
    blocks[3] = this->take(1, kTwoBlocks);
    if (kThreads > 2) local = TinyLocalPool::open(this->pool);
  }
  void thread(unsigned t) {
    switch (t) {
      case 0:
        this->give(blocks[0]);
        expect_misuse(Misuse::kDoubleFree, blocks[0], [&] { give_again(blocks[0]); });
        break;
      case 1: {
        void* const inside = static_cast<char*>(blocks[1]) + ralloc::kGrain;
        expect_misuse(Misuse::kNotABlock, inside, [&] { give_again(inside); });
        this->give(blocks[1]);
        break;
      }
      default:
        this->deallocate(local, blocks[3]);
        expect_misuse(Misuse::kDoubleFree, blocks[3], [&] { free_again(blocks[3]); });
        this->deallocate(local, this->allocate(local, kTwoBlocks));
    }
  }
  void give_again(void* block) { this->pool.give(&block, 1); }
  void free_again(void* block) {
    const ralloc::Key key = this->check_key(block);
    if (!local->give_hit(block, key)) local->give_miss(block, key);
  }
  void after() {
    if (local == nullptr) {
      this->give(blocks[3]);
    } else {
      void* const block = this->allocate(local, kTwoBlocks);
      this->deallocate(local, block);
      expect_misuse(Misuse::kDoubleFree, block, [&] { free_again(block); });
      local->close();
    }
    // The last block of a span is freed twice: it has left its shard.
    World::let_go(blocks[2]);
    void* twice[] = {blocks[2], blocks[2]};
    expect_misuse(Misuse::kDoubleFree, blocks[2], [&] { this->pool.give(twice, 2); });
    expect_misuse(Misuse::kDoubleFree, blocks[2], [&] { give_again(blocks[2]); });
    this->check_all_is_home();
  }
};

const Listed<Misuses> listed{"Misuses", "I1 I5", 2};

}  // namespace
}  // namespace ralloc_verify
