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

// What the arena needs next is refused: a piece, whole or in halves, or its backing, or its
// places in the map all clash. Before, most often, the map itself was refused once.
template <unsigned kThreads>
struct ArenaRefusals : PoolScenario<ArenaRefusals<kThreads>, kThreads> {
  typename PoolScenario<ArenaRefusals, kThreads>::Span* kept = nullptr;

  void before() {
    const unsigned choice = rl::rand(4);
    World::refused_maps = choice == 2 ? 0 : 1;  // clashes are with the first addresses
    kept = this->take_large(8);  // a piece of its own, so that the next call needs another
    switch (choice) {
      case 0: World::refused_reserves = 1; break;
      case 1: World::refused_reserves = 2; break;
      case 2: World::clashing_reserves = 8; break;
      default:
        World::granted_commits = 3;  // those of the map
        World::refused_commits = 1;
    }
  }
  void thread(unsigned t) {
    void* block = nullptr;
    switch (t) {
      case 0:
        if (auto* span = this->pool.take_large(7, 1)) {
          this->hold_large(span, 7);
          this->give_large(span, 7);
        }
        break;
      case 1:
        if (this->pool.take(0, kTwoBlocks, &block, 1) != 0) {
          World::hold(block);
          this->give(block);
        }
        break;
      default:
        if (auto* span = this->pool.take_apart(3)) {
          this->hold_large(span, 3);
          this->give_large(span, 3);
        }
    }
  }
  void after() {
    World::refused_reserves = World::refused_commits = World::clashing_reserves = 0;
    this->take_and_give(1, kThreeBlocks);
    this->give_large(kept, 8);
    this->check_all_is_home();
  }
};

const Listed<ArenaRefusals> arena{"ArenaRefusals", "I1 I8 I9", 1};

// There is no memory but one free block, of another shard: one thread gets it at a time.
template <unsigned kThreads>
struct LastResort : PoolScenario<LastResort<kThreads>, kThreads> {
  void* kept = nullptr;
  typename PoolScenario<LastResort, kThreads>::Span* rest = nullptr;
  unsigned served = 0;

  void before() {
    kept = this->take(1, kTwoBlocks);
    rest = this->take_large(1);  // the other page that is committed
    World::refused_commits = ~0u;
  }
  void thread(unsigned) {
    void* block = nullptr;
    if (this->pool.take(0, kTwoBlocks, &block, 1) == 0) {
      block = this->pool.take_anywhere(kTwoBlocks);
    }
    if (block == nullptr) return;
    ++served;
    World::hold(block);
    this->give(block);
  }
  void after() {
    require(served != 0, "nobody got the block");
    World::refused_commits = 0;
    this->give(kept);
    this->give_large(rest, 1);
    this->check_all_is_home();
  }
};

const Listed<LastResort> last{"LastResort", "I1 I2 I9", 1};

}  // namespace
}  // namespace ralloc_verify
