// Threads free their own blocks and each other's through the quarantines of their pools, one of
// which is flushed, while both refill in random order from the same spans.
//
// Invariants: I1 (a block is in a quarantine or elsewhere, and comes out of it once), I2, I4, I5,
// I7. Who wrote to a block that goes home is told, with no lock held, whether it came from a
// magazine or is of another shard.
// Cannot see: all that a generator may say; these numbers are the same in each execution.
#include "verify/defended_world.h"

namespace ralloc_verify {
namespace {

using ralloc::Misuse;

template <unsigned kThreads>
struct Defended : PoolScenario<Defended<kThreads>, kThreads, RelacySync, DefendedLimits> {
  DefendedLocalPool* locals[3] = {};
  void* foreign[3][2] = {};

  void before() {
    DefendedLimits::written = nullptr;
    for (unsigned t = 0; t < kThreads; ++t) {
      locals[t] = DefendedLocalPool::open(this->pool);
      for (void*& block : foreign[t]) block = this->take((t + 1) % 2, kThreeBlocks);
    }
  }
  void thread(unsigned t) {
    this->deallocate_later(foreign[t][0], locals[t]);
    if (t < 2) {
      this->deallocate_later(this->allocate(locals[t], kThreeBlocks), locals[t]);
      locals[t]->flush();
      require(locals[t]->bytes() == 0, "a flushed pool keeps blocks");
    }
    this->deallocate_later(foreign[t][1], locals[t]);
  }
  void deallocate_later(void* block, DefendedLocalPool* local) {
    const ralloc::Key key = this->check_key(block);
    World::let_go(block);
    local->give_later(block, key, DefendedLimits::size_class(ralloc::class_of(key)).block_size);
  }
  // Of a class that passes by the quarantine.
  void write_after_free(DefendedLocalPool* local, void* block) {
    deallocate_later(block, local);
    DefendedLimits::written = block;
    expect_misuse(Misuse::kWriteAfterFree, block, [&] { local->flush(); });
    DefendedLimits::written = nullptr;
    local->flush();
  }
  void after() {
    write_after_free(locals[0], this->allocate(locals[0], kTwoBlocks));
    write_after_free(locals[0], this->take(1, kTwoBlocks));
    // More than slots and queue have places for: the rest is in magazines.
    void* many[6] = {};
    for (unsigned t = 0; t < kThreads; ++t) {
      for (void*& block : many) block = this->allocate(locals[t], kThreeBlocks);
      for (void* block : many) deallocate_later(block, locals[t]);
      require(locals[t]->is_valid(), "a local pool is not valid");
      require(locals[t]->bytes() >= 3 * 21840, "a block is not counted");
      locals[t]->close();
    }
    // Both words of a long span's bits, until one is empty.
    void* blocks[90];
    std::size_t taken = 0;
    while (taken < 90) taken += this->pool.take(0, kManyBlocks, blocks + taken, 90 - taken);
    this->pool.give(blocks, 90);
    this->check_all_is_home();
  }
};

const Listed<Defended> listed{"Defended", "I1 I2 I4 I5 I7", 3};

}  // namespace
}  // namespace ralloc_verify
