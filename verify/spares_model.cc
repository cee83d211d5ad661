// Wholly free spans that a shard keeps for what comes next, while others take from them, put others
// in their place, or send those that nobody has use for to the ledger.
//
// Invariants: I1, I2, I3 (a spare keeps its identity and keys), I4 (it is the one of its class, or has
// left), I5, I9 (all of them come home), and they are no more than there is room for.
// Cannot see: when they are looked at (decay_model.cc), and local pools.
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

struct SparesConfig : TinyConfig {
  static constexpr std::size_t kSpareBytes = 2 * kPageBytes;  // two of the three classes
};
struct SparesLimits : TinyLimits {
  using Config = SparesConfig;
};

template <class Model, unsigned kThreads, class Sync = RelacySync>
struct SparesScenario : PoolScenario<Model, kThreads, Sync, SparesLimits> {
  std::size_t spans_bytes() { return this->pool.counts().shards.spans_bytes; }
  void check_all_comes_home() {
    require(this->pool.is_valid(), "a structure is not valid");
    require(spans_bytes() <= TinyLimits::kShards * SparesConfig::kSpareBytes,
            "more stays than there is room for");
    require(this->pool.counts().shards.blocks_bytes == 0, "blocks are lost (I1, I2)");
    this->pool.give_up_spares(true);
    this->check_all_is_home();
  }
};

// One span more than there is room for, of three classes.
template <unsigned kThreads>
struct Spares : SparesScenario<Spares<kThreads>, kThreads> {
  void before() {
    this->take_and_give(0, kTwoBlocks);
    require(this->spans_bytes() == kPageBytes, "the last span of a class has left");
  }
  void thread(unsigned t) {
    switch (t) {
      case 0:
        this->take_and_give(0, kTwoBlocks);
        this->take_and_give(0, kThreeBlocks);
        break;
      case 1: {
        void* const block = this->take(0, kTwoBlocks);
        this->take_and_give(0, kManyBlocks);
        this->give(block);
        break;
      }
      default:
        this->take_and_give(0, kTwoBlocks);
        this->pool.give_up_spares(false);
        this->pool.give_up_spares(false);
    }
  }
  void after() { this->check_all_comes_home(); }
};

const Listed<Spares> spares{"Spares", "I1 I2 I3 I4 I5 I9", 2};

// Two spans of a class become wholly free, and one that has nobody's use leaves with the second look.
template <unsigned kThreads>
struct SparesLeave : SparesScenario<SparesLeave<kThreads>, kThreads> {
  static constexpr std::size_t kRecord = 64;
  typename SparesScenario<SparesLeave<kThreads>, kThreads>::Pool::Ledger::PoolPlace place;
  void* blocks[3];

  void before() {
    for (void*& block : blocks) block = this->take(0, kTwoBlocks);
  }
  void thread(unsigned t) {
    switch (t) {
      case 0:
        place = this->pool.ledger().attach_pool(kRecord);  // the first: from now on there are two shards
        this->give(blocks[0]);
        this->give(blocks[1]);
        break;
      case 1:
        this->give(blocks[2]);
        this->pool.give_up_spares(false);
        break;
      default:
        this->pool.give_up_spares(true);
    }
  }
  void after() {
    this->pool.ledger().detach_pool(place, kRecord);
    this->pool.give_up_spares(false);
    this->pool.give_up_spares(false);
    require(this->spans_bytes() == 0, "what nobody has use for stays");
    this->check_all_is_home();
  }
};

const Listed<SparesLeave> leave{"SparesLeave", "I2 I3 I4 I5 I9", 2};

// All that is left is the spare's page: who needs one for another class has it.
template <unsigned kThreads>
struct SparesServe : SparesScenario<SparesServe<kThreads>, kThreads> {
  typename SparesServe::Pool::Span* rest = nullptr;
  std::size_t pages = 0;

  void before() {
    this->take_and_give(0, kTwoBlocks);
    pages = this->pool.counts().ledger.clean_bytes >> kPageShift;
    rest = this->take_large(pages);
    World::refused_commits = ~0u;
  }
  void thread(unsigned t) {
    switch (t) {
      case 0: this->take_and_give(0, kThreeBlocks); break;
      case 1: this->pool.give_up_spares(false); break;  // not yet: one on its way is nobody's
      default: (void)this->spans_bytes();
    }
  }
  void after() {
    World::refused_commits = 0;
    this->give_large(rest, pages);
    this->check_all_comes_home();
  }
};

const Listed<SparesServe> serve{"SparesServe", "I2 I4 I9", 2};

// The holder of the shard's lock was lost to a fork at any of its writes: of a retired shard no
// spare is used again, and of another one it is.
template <unsigned kThreads>
struct SparesRetire : SparesScenario<SparesRetire<kThreads>, kThreads, RelacyFutexSync> {
  std::uintptr_t page = 0;  // of the spare
  void* taken[kThreads] = {};

  void before() {
    void* const block = this->take(0, kTwoBlocks);
    page = TinyPool<RelacyFutexSync>::PageMap::page_of(block);
    this->give(block);
    Execution::writes_until_lost = 1 + 9 * rl::rand(5);  // all it does are 45 writes
    try {
      this->take_and_give(0, kThreeBlocks);
      Execution::writes_until_lost = 0;
    } catch (const Execution::Lost&) {
    }
    ++Execution::generation;
  }
  void thread(unsigned t) {
    if (t == 1) return this->pool.give_up_spares(false);  // a full search of more is too long
    taken[t] = this->take(0, kTwoBlocks);
  }
  void after() {
    taken[1] = this->take(0, kTwoBlocks);
    unsigned of_spare = 0;
    for (void* block : taken) {
      of_spare += TinyPool<RelacyFutexSync>::PageMap::page_of(block) == page;
      this->give(block);
    }
    require(of_spare == (Execution::lost_with(this->shards[0]) ? 0u : 2u),
            "a spare is not used, or is not given up");
    require(this->pool.is_valid(), "a structure is not valid");
    for (bool is_held : World::is_held) require(!is_held, "a block is held by nobody");
  }
};

const Listed<SparesRetire> retire{"SparesRetire", "I1 I3 I4", 2};

}  // namespace
}  // namespace ralloc_verify
