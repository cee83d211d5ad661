// Two ledgers: runs are split and merged on both sides of a border, and sectors go from one to the
// other while their neighbours come and go.
//
// Invariants: I12 (a sector has one keeper, and nobody else reads or writes what is there), I9, I6, I1 of
// large blocks. Cannot see: a thread that reads an old keeper, since all see the last one here.
#include "verify/ledgers_world.h"
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <class Model, unsigned kThreads>
struct LedgersScenario : PoolScenario<Model, kThreads, RelacySync, LedgersLimits> {
  using Base = PoolScenario<Model, kThreads, RelacySync, LedgersLimits>;
  using Span = typename Base::Span;
  static constexpr std::size_t kSector = LedgersLimits::kSectorPages;

  // For a thread of the shard, which has the ledger of this number.
  Span* take_for(unsigned shard, std::size_t pages, Place place = Place::here()) {
    Span* const span = this->pool.take_large(pages, 1, false, shard);
    require(span != nullptr, "no memory", place);
    this->hold_large(span, pages, place);
    return span;
  }
  void take_and_give_for(unsigned shard, std::size_t pages, Place place = Place::here()) {
    this->give_large(take_for(shard, pages, place), pages, place);
  }
  unsigned keeper_of(const Span* span) const {
    return this->pool.map().keeper_of(span->first_page_.get());
  }
  void after() {
    using Ledger = typename Base::Pool::Ledger;
    auto* const other = this->pool.ledgers().numbered(1);
    require(other != nullptr, "there is one ledger only");
    --World::records_out;  // it stays
    this->check_all_is_home();
    // Relacy's mutex may not lie in memory that just ends.
    other->~Ledger();
  }
};

// Both are first to need the other ledger.
template <unsigned kThreads>
struct LedgersOpen : LedgersScenario<LedgersOpen<kThreads>, kThreads> {
  using Base = LedgersScenario<LedgersOpen<kThreads>, kThreads>;
  typename Base::Pool::Ledger* seen[kThreads];

  // (To take runs as well would be far more executions.)
  void thread(unsigned t) {
    seen[t] = &this->pool.ledgers().of_shard(1);
    require(seen[t]->number() == 1, "there is no other ledger");
  }
  void after() {
    for (auto* ledger : seen) require(ledger == seen[0], "not all have the same ledger");
    this->take_and_give_for(1, 1);
    Base::after();
  }
};
const Listed<LedgersOpen> open{"LedgersOpen", "I1 I5 I9 I12", 1};

// Both have free runs that end at the border, and merge what comes back with their own.
template <unsigned kThreads>
struct LedgersBorder : LedgersScenario<LedgersBorder<kThreads>, kThreads> {
  using Base = LedgersScenario<LedgersBorder<kThreads>, kThreads>;
  typename Base::Span* below;
  typename Base::Span* above;

  void before() {
    above = this->take_for(1, 2 * Base::kSector);  // all that its ledger gets
    below = this->take_for(0, 1);
    require(this->keeper_of(above) == 1 && this->keeper_of(below) == 0, "a wrong keeper");
  }
  void thread(unsigned t) {
    switch (t) {
      case 0:
        this->give_large(below, 1);
        this->take_and_give_for(0, Base::kSector);
        break;
      case 1: {
        World::let_go(above->begin() + (2 * Base::kSector - 1) * kPageBytes);
        this->pool.shorten_large(above, 2 * Base::kSector - 1);
        // (With a third thread its ledger may have got what lies behind.)
        const bool grew = this->pool.extend_large(above, 2 * Base::kSector + 1);
        require(!grew || kThreads > 2, "it grows over the border");
        const std::size_t pages = above->pages_.get();
        for (std::size_t i = 2 * Base::kSector - 1; i < pages; ++i) {
          World::hold(above->begin() + i * kPageBytes);
        }
        this->give_large(above, pages);
        break;
      }
      default:
        this->take_and_give_for(1, 1);
        this->take_and_give_for(0, 2);
    }
  }
};
const Listed<LedgersBorder> border{"LedgersBorder", "I1 I5 I9 I12", 2};

// Dirty sectors of one go to the other, while more is taken from there.
template <unsigned kThreads>
struct LedgersSectors : LedgersScenario<LedgersSectors<kThreads>, kThreads> {
  using Base = LedgersScenario<LedgersSectors<kThreads>, kThreads>;

  void before() {
    this->take_and_give_for(0, 3 * Base::kSector);
    committed = this->pool.counts().ledger.committed_bytes;
    World::now_ms += 1;
  }
  void thread(unsigned t) {
    switch (t) {
      case 0: {
        auto* const span = this->take_for(1, 2);
        require(!span->was_clean_.get() || kThreads > 2, "what was written to reads as zeros");
        this->give_large(span, 2);
        break;
      }
      case 1:
        this->take_and_give_for(0, Base::kSector + 1);
        break;
      default:
        (void)this->pool.purge(World::now_ms, World::now_ms, SIZE_MAX);
        this->take_and_give_for(1, 1);
    }
  }
  void after() {
    const bool has_grown = this->pool.counts().ledger.committed_bytes != committed;
    require(!has_grown || kThreads > 2, "the arena has grown beside dirty sectors");
    if (kThreads == 2) {
      (void)this->pool.purge(World::now_ms - 2, World::now_ms, SIZE_MAX);
      require(World::pages_purged == 0, "what is young is purged");
    }
    Base::after();
  }

 private:
  std::size_t committed = 0;
};
const Listed<LedgersSectors> sectors{"LedgersSectors", "I1 I5 I6 I9 I12", 2};

// What a ledger keeps goes back to the OS, and its addresses too.
template <unsigned kThreads>
struct LedgersRelease : LedgersScenario<LedgersRelease<kThreads>, kThreads> {
  using Base = LedgersScenario<LedgersRelease<kThreads>, kThreads>;

  void before() {
    this->take_and_give_for(1, 2);
    (void)this->pool.trim();
  }
  void thread(unsigned t) {
    switch (t) {
      case 0:
        this->pool.release_sectors();
        break;
      case 1:
        this->take_and_give_for(1, 1);
        break;
      default:
        this->take_and_give_for(0, 1);
    }
  }
  void after() {
    (void)this->pool.trim();
    this->pool.release_sectors();
    require(World::pages_released >= 2 * Base::kSector, "sectors stay");
    for (std::uintptr_t page = kFirstPage; page < World::next_page; ++page) {
      const bool is_kept = this->pool.map().keeper_of(page) != 0;
      require(!is_kept || !World::is_released[page - kFirstPage], "nobody's has a keeper");
    }
    require(this->large_blocks(1) == 0, "what is free is listed");
    Base::after();
  }
};
const Listed<LedgersRelease> release{"LedgersRelease", "I1 I5 I6 I8 I9 I12", 2};

// The arena is at its end: less is asked for, and at last what others have that is no whole sector.
template <unsigned kThreads>
struct LedgersEnd : LedgersScenario<LedgersEnd<kThreads>, kThreads> {
  using Base = LedgersScenario<LedgersEnd<kThreads>, kThreads>;
  typename Base::Span* own;

  void before() {
    own = this->take_for(1, 2);
    World::let_go(own->begin() + kPageBytes);
    this->pool.shorten_large(own, 1);
    // So much that the other cannot have as much as it usually gets.
    (void)this->take_for(0, kWorldPages - 5 * Base::kSector);
  }
  void thread(unsigned t) {
    switch (t) {
      case 0:
        use_up(1);
        break;
      case 1:
        use_up(0);
        break;
      default:
        if (this->large_blocks(1) == 0) require(false, "a block is not listed");
    }
  }
  void use_up(unsigned shard) {
    for (std::size_t pages : {Base::kSector, std::size_t{1}}) {
      auto* const span = this->pool.take_large(pages, 1, false, shard);
      if (span == nullptr) continue;
      this->hold_large(span, pages);
      this->give_large(span, pages);
    }
  }
  void after() {
    // Of one page each, all there is, whoever keeps it.
    unsigned kept_by[2] = {};
    for (;;) {
      auto* const span = this->pool.take_large(1, 1, false, 0);
      if (span == nullptr) break;
      this->hold_large(span, 1);
      ++kept_by[this->keeper_of(span)];
    }
    require(kept_by[1] != 0, "what the other has is not used");
    require(this->pool.counts().ledger.dirty_bytes == 0, "not all of it is used");
    using Ledger = typename Base::Pool::Ledger;
    this->pool.ledgers().numbered(1)->~Ledger();
  }
};
const Listed<LedgersEnd> end{"LedgersEnd", "I1 I5 I9 I12", 2};

}  // namespace
}  // namespace ralloc_verify
