// The counts are read, and the structures are walked, while all else runs.
//
// Invariants: I5 (one shard's lock at a time), I2 (what is counted lies within what there is).
// The counts of several locks are no snapshot: only bounds hold.
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct Statistics : PoolScenario<Statistics<kThreads>, kThreads> {
  void before() { this->take_and_give(0, kTwoBlocks); }
  void thread(unsigned t) {
    if (t != 0) {
      this->take_and_give(t % 2, kTwoBlocks);
      this->take_and_give(0, kThreeBlocks);
      return;
    }
    const auto counts = this->pool.counts();
    require(counts.shards.blocks_bytes <= counts.ledger.committed_bytes, "more blocks than pages");
    require(counts.ledger.dirty_bytes <= counts.ledger.committed_bytes &&
                counts.ledger.committed_bytes <= counts.ledger.reserved_bytes,
            "more pages than there are");
    require(this->pool.is_valid(), "a structure is not valid");
  }
  void after() { this->check_all_is_home(); }
};

const Listed<Statistics> listed{"Statistics", "I2 I5", 2};

// What the list of leaks asks, while blocks come and go: those that stay are in it.
template <unsigned kThreads>
struct Leaks : PoolScenario<Leaks<kThreads>, kThreads> {
  void* block = nullptr;
  typename Leaks::Pool::Span* large = nullptr;

  void before() {
    require(this->large_blocks(2) == 0, "there is no memory yet");
    block = this->take(0, kTwoBlocks);
    large = this->take_large(2);
  }
  void thread(unsigned t) {
    if (t != 0) {
      TinyLocalPool* const local = TinyLocalPool::open(this->pool);
      this->deallocate(local, this->allocate(local, kTwoBlocks));
      local->close();
      this->give_large(this->take_large(1), 1);
      return;
    }
    require(this->pool.ledger().pools() < kThreads, "a pool too many is counted");
    require(small_blocks(kTwoBlocks) >= 1, "a block is not listed");
    require(this->large_blocks(2) == 1, "a large block is not listed");
  }
  void after() {
    require(small_blocks(kTwoBlocks) == 1 && small_blocks(kThreeBlocks) == 0,
            "what was given back is listed");
    require(this->large_blocks(2) == 1 && this->large_blocks(1) == 0, "a large block too many is listed");
    TinyLocalPool* const local = TinyLocalPool::open(this->pool);
    require(this->pool.ledger().pools() == 1, "a pool is not counted");
    local->close();
    require(this->pool.ledger().pools() == 0, "a closed pool is counted");
    this->give(block);
    this->give_large(large, 2);
    require(this->large_blocks(2) == 0, "a freed block is listed");
    this->check_all_is_home();
  }

  std::size_t small_blocks(unsigned size_class) {
    std::size_t blocks[TinyLimits::kClasses] = {};
    this->pool.count_outside(blocks);
    return blocks[size_class];
  }
};

const Listed<Leaks> leaks{"Leaks", "I2 I5", 2};

// The walkers see what is wrong, else that they are content says nothing.
template <unsigned kThreads>
struct Damage : PoolScenario<Damage<kThreads>, kThreads> {
  using Pool = TinyPool<RelacySync>;
  void* blocks[3] = {};  // of one span

  void before() { blocks[2] = this->take(0, kThreeBlocks); }
  void thread(unsigned t) {
    if (t == 2) return (void)this->pool.counts();
    blocks[t] = this->take(0, kThreeBlocks);
  }
  void after() {
    auto* const span = static_cast<typename Pool::Span*>(
        this->pool.map().span_at(Pool::PageMap::page_of(blocks[2])));
    this->give(blocks[2]);
    sees(span->free_, span->free_.get() + 1);
    sees(span->class_, kTwoBlocks);
    sees(span->bin_, span->bin_.get() + 1);
    sees(span->low_word_, 1u);
    for (unsigned t = 0; t < 2; ++t) this->give(blocks[t]);
    sees(span->state_, ralloc::SpanState::kClean);
    sees(span->ledger_epoch_, 1u);
    sees(span->pages_, span->pages_.get() + 1);
    this->check_all_is_home();
  }
  template <class T>
  void sees(Cell<T>& field, T wrong) {
    const T right = field.get();
    require(this->pool.is_valid(), "a structure is not valid");
    field.set(wrong);
    require(!this->pool.is_valid(), "the walkers do not see this");
    field.set(right);
  }
};

const Listed<Damage> damage{"Damage", "I2 I9", 1};

}  // namespace
}  // namespace ralloc_verify
