// Threads free parts of the same block, whose state says whether it is whole, and look at blocks
// beside their own.
//
// Invariants: I11 (the last part of a small block makes it free, and one that has all its bytes
// again is whole; a large block breaks once, before its first part leaves), I10, I5. What was
// overwritten, or is no more, is told with no lock held. The page map is there only with the
// states. They are plain fields: who changes one has the shard's mutex, the ledger's, or the block.
// Cannot see: states of single blocks (states_model.cc); canaries (unit tests).
#include "verify/stated_world.h"

namespace ralloc_verify {
namespace {

using ralloc::Misuse;
using ralloc::SpanState;
constexpr std::size_t kBlockBytes = StatedLimits::size_class(kTwoBlocks).block_size;

// As alloc/ does it where blocks have states.
template <class Model, unsigned kThreads>
struct StatedScenario : PoolScenario<Model, kThreads, RelacySync, StatedLimits> {
  char* take_stated(Place place = Place::here()) {
    void* block = nullptr;
    require(this->pool.take(0, kTwoBlocks, &block, 1) == 1, "no memory", place);
    this->hold_bytes(block, kBlockBytes, place);
    StatedWorld::make_live(block, place);
    return static_cast<char*>(block);
  }
  void give_stated(void* block, Place place = Place::here()) {
    StatedWorld::take_back(block, place);
    this->let_go_bytes(block, kBlockBytes, place);
    this->pool.give(&block, 1);
  }
  char* take_stated_large(std::size_t pages, Place place = Place::here()) {
    auto* const span = this->pool.take_large(pages, 1);
    require(span != nullptr, "no memory", place);
    this->hold_bytes(span->begin(), span->bytes(), place);
    StatedWorld::make_live(span->begin(), place);
    return span->begin();
  }
  // Bytes that a part has grown to, or those it had.
  std::size_t grow(char* part, std::size_t bytes, std::size_t most) {
    const ralloc::Key key = this->check_key(part);
    const std::size_t grown = this->pool.extend_part(part, bytes, bytes, most, key);
    this->hold_bytes(part + bytes, grown - bytes);
    return grown;
  }
};

template <unsigned kThreads>
struct StatedParts : StatedScenario<StatedParts<kThreads>, kThreads> {
  char* block = nullptr;
  char* neighbour = nullptr;  // of the same span

  void before() {
    StatedWorld::begin();
    void* none = nullptr;
    for (unsigned* refused : {&StatedWorld::refused_windows, &StatedWorld::refused_covers}) {
      *refused = 100;
      require(this->pool.take(0, kTwoBlocks, &none, 1) == 0, "blocks without states");
      *refused = 0;
      World::next_page = kFirstPage;  // all was released
    }
    block = this->take_stated();
    neighbour = this->take_stated();
    this->give_part(block + kPayloadBytes, kPayloadBytes);
    require(StatedWorld::is(block, StatedWorld::kBroken), "a block is whole without a part");
  }
  // The first quarter grows into the second, and then none is free, or a later one is.
  void thread(unsigned t) {
    if (t == 0) {
      const std::size_t bytes = this->grow(block, kPayloadBytes, 2 * kPayloadBytes);
      require(bytes == 2 * kPayloadBytes, "the freed bytes behind a part are not to be had");
      this->give_part(block, bytes);
    } else if (t == 1) {
      this->give_part(block + 3 * kPayloadBytes, kPayloadBytes);
      this->give_part(block + 2 * kPayloadBytes, kPayloadBytes);
    } else {
      this->pool.check_near(0, block, 1);
      this->give_stated(this->take_stated());
    }
  }
  void after() {
    require(StatedWorld::is(block, StatedWorld::kFree), "the last part is not noted (I11)");
    after_growth();
    after_misuse();
    this->check_all_is_home();
  }
  void after_growth() {
    block = this->take_stated();
    this->give_part(block + kPayloadBytes, kBlockBytes - kPayloadBytes);
    require(this->grow(block, kPayloadBytes, kBlockBytes) == kBlockBytes, "a part cannot grow");
    this->give_stated(block);
  }
  void after_misuse() {
    // Freed, and not at home yet.
    StatedWorld::take_back(neighbour);
    const ralloc::Key key = this->check_key(neighbour);
    expect_misuse(Misuse::kDoubleFree, neighbour,
                  [&] { (void)this->pool.give_part(neighbour, kPayloadBytes, key); });
    expect_misuse(Misuse::kForeignRealloc, neighbour, [&] {
      (void)this->pool.extend_part(neighbour, kPayloadBytes, kPayloadBytes, kBlockBytes, key);
    });
    StatedWorld::make_live(neighbour);
    block = this->take_stated();
    StatedLimits::written = StatedWorld::overwritten = block;
    expect_misuse(Misuse::kOverflow, block, [&] { this->pool.check_near(0, neighbour, 1); });
    this->let_go_bytes(block, kBlockBytes);
    expect_misuse(Misuse::kOverflow, block,
                  [&] { (void)this->pool.give_part(block, kBlockBytes, key); });
    void* freed = block;
    this->pool.give(&freed, 1);
    expect_misuse(Misuse::kWriteAfterFree, block, [&] { this->pool.check_near(0, neighbour, 1); });
    expect_misuse(Misuse::kWriteAfterFree, block, [&] { this->pool.check_blocks(kPageBytes); });
    StatedLimits::written = StatedWorld::overwritten = nullptr;
    this->give_stated(neighbour);
    this->pool.check_near(0, neighbour, 1);  // no block any more
    this->pool.check_blocks(kWorldPages * kPageBytes);
    require(this->pool.trim() != 0, "nothing is purged");
  }
};

const Listed<StatedParts> parts{"StatedParts", "I5 I10 I11", 2};

template <unsigned kThreads>
struct StatedLargeParts : StatedScenario<StatedLargeParts<kThreads>, kThreads> {
  static constexpr std::size_t kPages = 3;
  static constexpr std::size_t kCut = kPageBytes * 3 / 2;
  char* block = nullptr;

  void before() {
    StatedWorld::begin();
    block = this->take_stated_large(kPages);
    take_and_give_small();
  }
  void thread(unsigned t) {
    if (t == 0) {
      this->give_large_part(block, kPageBytes);
      this->give_large_part(block + kPageBytes, kCut - kPageBytes);
    } else if (t == 1) {
      const std::size_t rest = kPages * kPageBytes - kCut;
      const std::size_t grown =
          this->pool.extend_large_part(block + kCut, rest, rest, rest + kPayloadBytes);
      this->hold_bytes(block + kPages * kPageBytes, grown - rest);
      this->give_large_part(block + kCut, grown);
    } else {
      this->pool.check_blocks(kWorldPages * kPageBytes);
    }
    if (t != 1) take_and_give_small();
  }
  void take_and_give_small() { this->give_stated(this->take_stated()); }
  void after() {
    require(StatedWorld::breaks == 1, "a block does not break once (I11)");
    after_overflow();
    after_double_free();
    this->check_all_is_home();
  }
  void after_overflow() {
    block = this->take_stated_large(kPages);
    StatedWorld::overwritten = block;
    expect_misuse(Misuse::kOverflow, block,
                  [&] { (void)this->pool.give_large_part(block + kCut, kPayloadBytes, true); });
    StatedWorld::overwritten = nullptr;
    this->give_large_part(block, kPages * kPageBytes);
    require(StatedWorld::breaks == 1, "a block breaks that is freed whole");
  }
  void after_double_free() {
    auto* const span = this->pool.take_guarded(kPageBytes, 1);
    require(span != nullptr, "no memory");
    char* const guarded = span->begin();
    StatedWorld::make_live(guarded);
    StatedWorld::take_back(guarded);
    this->pool.give_large(span, SpanState::kDirty);
    expect_misuse(Misuse::kDoubleFree, guarded,
                  [&] { (void)this->pool.give_large_part(guarded, kPageBytes, true); });
  }
};

const Listed<StatedLargeParts> large{"StatedLargeParts", "I5 I10 I11", 2};

// One looks at a block that another frees, whose span goes to the bookkeeper, and comes back for
// others. There are so few states that two pieces of the arena would share them.
template <unsigned kThreads>
struct StatedLooks : StatedScenario<StatedLooks<kThreads>, kThreads> {
  // A piece of the arena.
  static constexpr std::size_t kWindow = StatedLimits::Config::kArenaPiece / kPageBytes;
  char* block = nullptr;

  void before() {
    StatedWorld::begin();
    StatedWorld::most_window = kWindow;
    require(this->pool.take_large(kWindow + 1, 1) == nullptr, "a block has more pages than there are states");
    World::next_page = kFirstPage;  // all was released
    block = this->take_stated();
  }
  void thread(unsigned t) {
    if (t == 0) {
      this->give_stated(block);
      this->give_stated(this->take_stated());
    } else {
      this->pool.check_near(0, block, 1);
      this->pool.check_blocks(kWorldPages * kPageBytes);
    }
  }
  void after() {
    void* blocks[kWindow + 1] = {};
    unsigned n = 0;
    while (n <= kWindow) {
      auto* const span = this->pool.take_large(1, 1);
      if (span == nullptr) break;
      blocks[n++] = span->begin();
    }
    require(n <= kWindow, "two pages share their states (I8)");
    while (n != 0) this->pool.give_large(this->pool.large_at(blocks[--n]), SpanState::kDirty);
    this->check_all_is_home();
  }
};

const Listed<StatedLooks> looks{"StatedLooks", "I5 I8", 2};

// A thread was lost to a fork while it took or gave a block: its span is looked at no more, if it is
// given up.
template <unsigned kThreads>
struct StatedFork : PoolScenario<StatedFork<kThreads>, kThreads, RelacyFutexSync, StatedLimits> {
  void* inherited = nullptr;
  void* taken[kThreads] = {};

  void before() {
    StatedWorld::begin();
    inherited = this->take(0, kTwoBlocks);
    Execution::writes_until_lost = 1 + 3 * rl::rand(4);
    try {
      void* block = nullptr;
      (void)this->pool.take(0, kTwoBlocks, &block, 1);
      this->pool.give(&block, 1);
      require(false, "it was not lost");
    } catch (const Execution::Lost&) {
    }
    ++Execution::generation;
  }
  void thread(unsigned t) {
    if (t == 1) {
      this->pool.check_near(0, inherited, 1);
    } else {
      taken[t] = this->take(0, kTwoBlocks);
    }
  }
  void after() {
    this->give(inherited);
    for (void* block : taken) {
      if (block != nullptr) this->give(block);
    }
    require(this->pool.is_valid(), "a structure is not valid");
  }
};

const Listed<StatedFork> fork{"StatedFork", "I3 I5 mutex", 1};

// A refill looks at what the one before gave, which is the program's still, and beside it.
template <unsigned kThreads>
struct StatedPool : PoolScenario<StatedPool<kThreads>, kThreads, RelacySync, StatedLimits> {
  StatedLocalPool* local = nullptr;
  void* blocks[12] = {};

  void before() {
    StatedWorld::begin();
    local = StatedLocalPool::open(this->pool);
    for (unsigned i = 0; i < 3; ++i) blocks[i] = this->allocate(local, kThreeBlocks);
  }
  void thread(unsigned t) {
    if (t == 0) {
      for (unsigned i = 3; i < 6; ++i) blocks[i] = this->allocate(local, kThreeBlocks);
      deallocate_later(blocks[0]);
    } else {
      this->take_and_give(0, kThreeBlocks);
    }
  }
  void deallocate_later(void* block) {
    const ralloc::Key key = this->check_key(block);
    World::let_go(block);
    local->give_later(block, key, StatedLimits::size_class(ralloc::class_of(key)).block_size);
  }
  void after() {
    // One that a refill has just given.
    unsigned n = 6;
    while (*local->magazines[kThreeBlocks].top != nullptr) {
      blocks[n++] = this->allocate(local, kThreeBlocks);
    }
    void* const recent = local->refill(kThreeBlocks);
    World::hold(recent);
    StatedWorld::overwritten = recent;
    expect_misuse(Misuse::kOverflow, recent, [&] { (void)local->refill(kThreeBlocks); });
    StatedWorld::overwritten = nullptr;
    deallocate_later(recent);
    for (unsigned i = 1; i < n; ++i) {
      if (i != 5) deallocate_later(blocks[i]);
    }
    // What lies in the quarantine by now, in slots and queue, is as it was freed.
    void* const next = local->refill(kThreeBlocks);
    World::hold(next);
    deallocate_later(next);
    deallocate_later(blocks[5]);
    StatedLimits::written = blocks[5];
    expect_misuse(Misuse::kWriteAfterFree, blocks[5], [&] { (void)local->refill(kThreeBlocks); });
    StatedLimits::written = nullptr;
    local->close();
    this->check_all_is_home();
  }
};

const Listed<StatedPool> pool{"StatedPool", "I1 I5", 2};

}  // namespace
}  // namespace ralloc_verify
