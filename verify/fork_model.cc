// In a child, the shard's or the ledger's mutex was held by a thread that the fork lost, at any
// of its writes: who comes next retires what was half written, and all go on with fresh state.
//
// Invariants: I1 (no block is given out twice), I3 (blocks from before the fork stay valid,
// and come home to nowhere if their shard was retired), I5; nobody waits for the dead, and
// nothing is retired but what the lost thread held locked. The mutex is the one that ships.
// Cannot see: a second fork (verify/spin), and other calls than a take and a give that are lost
// (global_pool_lost_test.cc loses each).
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct ForkRetires : PoolScenario<ForkRetires<kThreads>, kThreads, RelacyFutexSync> {
  void* inherited[3] = {};  // the first two fill a span
  void* doomed = nullptr;   // shares one with the third
  void* taken = nullptr;
  std::uintptr_t pieces_end = 0;

  void before() {
    for (void*& block : inherited) block = this->take(0, kTwoBlocks);
    doomed = this->take(0, kTwoBlocks);
    pieces_end = World::next_page;
    // There are more than a hundred writes. The second is one between a span's bits and their number.
    lose_a_thread(kThreads > 2 ? 2 + 5 * rl::rand(21) : 2 + 9 * rl::rand(12));
    ++Execution::generation;
  }
  // It gives a block, takes one of a fresh span, and gives that: the span leaves.
  void lose_a_thread(unsigned write) {
    World::let_go(doomed);
    Execution::writes_until_lost = write;
    try {
      this->pool.give(&doomed, 1);
      void* block = nullptr;
      (void)this->pool.take(0, kThreeBlocks, &block, 1);
      this->pool.give(&block, 1);
      require(false, "it was not lost");
    } catch (const Execution::Lost&) {
    }
  }

  void thread(unsigned t) {
    if (t == 1) return this->give(inherited[2]);
    if (t == 2) this->give(inherited[0]);
    void* block = this->take(0, kTwoBlocks);
    for (void* old : inherited) {
      require(!Execution::lost_with(this->shards[0]) || !is_neighbour(block, old),
              "a span is not given up");
    }
    // A full search of more is too long: it ends with the block taken.
    if (kThreads == 2) {
      taken = block;
    } else {
      this->give(block);
    }
  }
  static bool is_neighbour(const void* a, const void* b) {
    using PageMap = typename TinyPool<RelacyFutexSync>::PageMap;
    return PageMap::page_of(a) == PageMap::page_of(b);
  }

  void after() {
    if (kThreads == 2) {
      check_ledger();
      for (void* block : {taken, inherited[0], inherited[1]}) this->give(block);
    } else {
      this->give(inherited[1]);
    }
    require(this->pool.is_valid(), "a structure is not valid");
    for (void* block : inherited) {
      require(ralloc::is_live(this->pool.map().key_of(block)) ==
                  Execution::lost_with(this->shards[0]),
              "a shard that was not retired keeps a span, or a retired one has one again");
    }
    for (bool is_held : World::is_held) require(!is_held, "a block is held by nobody");
  }
  // More pages than have come home: of a fresh piece, if the frontier was given up.
  void check_ledger() {
    auto* const span = this->take_large(3);
    require((span->first_page_.get() >= pieces_end) == Execution::lost_with(this->pool.ledger()),
            "a ledger that was not retired gave up its runs, or a retired one has kept them");
    this->give_large(span, 3);
  }
};

const Listed<ForkRetires, 3, 2> listed{"ForkRetires", "I1 I3 I5 mutex", 2};

}  // namespace
}  // namespace ralloc_verify
