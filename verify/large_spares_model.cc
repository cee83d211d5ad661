// Large blocks that a shard keeps for its threads, of lengths that are freed and taken again, while
// others take them, send them home, or are in need of their pages.
//
// Invariants: I1 of large blocks (what stays is nobody's, and is handed out once), I3 (its key stays
// until it leaves), I5, I9 (it comes home), and they are no more than there is room for.
// Cannot see: when they are looked at (decay_model.cc).
#include "verify/kept_world.h"
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

struct LargeSparesConfig : KeptConfig {
  static constexpr std::size_t kLargeKeptMost = kPageBytes;
  static constexpr std::size_t large_spare_bytes(unsigned) { return 8 * kPageBytes; }  // blocks of 2 to 4
};
struct LargeSparesLimits : KeptLimits {
  using Config = LargeSparesConfig;
};

template <class Model, unsigned kThreads, class Sync = RelacySync>
struct LargeSparesScenario : PoolScenario<Model, kThreads, Sync, LargeSparesLimits> {
  using Base = PoolScenario<Model, kThreads, Sync, LargeSparesLimits>;
  using typename Base::LocalPool;
  using typename Base::Span;

  std::size_t pages_kept() { return this->pool.counts().shards.large_bytes / kPageBytes; }

  void before() { this->give_large(this->take_large(8), 8); }  // room, so that few searches see it grow

  // --- As alloc/ does it
  Span* allocate(std::size_t pages, bool will_grow = false, Place place = Place::here()) {
    Span* span = this->pool.take_large_spare(0, pages, 1, will_grow);
    if (span == nullptr) span = this->pool.take_large(pages, 1);
    hold(span, pages, place);
    return span;
  }
  void hold(Span* span, std::size_t pages, Place place = Place::here()) {
    require(span != nullptr && span->pages_.get() == pages, "not such a block", place);
    require(this->pool.large_at(span->begin()) == span, "a large block is not found", place);
    require(ralloc::is_live(this->pool.map().key_of(span->begin())), "it has no key (I3)", place);
    require(!span->is_aside(), "a live block is aside", place);
    this->hold_large(span, pages, place);
  }
  void free(Span* span, Place place = Place::here()) {
    this->let_go_large(span, span->pages_.get(), place);
    if (!this->pool.leave_large(span, 0)) this->pool.free_large(span);
  }
  void allocate_and_free(std::size_t pages, Place place = Place::here()) {
    free(allocate(pages, false, place), place);
  }
  // The first to be freed goes home, and those after it stay.
  void make_wanted(std::size_t pages) {
    allocate_and_free(pages);
    allocate_and_free(pages);
  }
  void check_all_comes_home() {
    require(this->pool.is_valid(), "a structure is not valid");
    this->pool.give_up_spares(true);
    require(pages_kept() == 0, "not all have left");
    this->check_all_is_home();
  }
};

// Two lengths are wanted, and a block more than there is room for.
template <unsigned kThreads>
struct LargeSpares : LargeSparesScenario<LargeSpares<kThreads>, kThreads> {
  using Base = LargeSparesScenario<LargeSpares<kThreads>, kThreads>;
  typename Base::Span* held[3];

  void before() {
    Base::before();
    // Others' blocks, which nobody asks for here.
    for (unsigned i = 0; i < 2; ++i) this->hold(held[i] = this->pool.take_large(2, 1), 2);
    for (unsigned i = 0; i < 2; ++i) this->free(held[i]);
    require(this->pages_kept() == 0, "what nobody asks for stays");
    this->allocate_and_free(2);
    require(this->pages_kept() == 2, "what was wanted does not stay");
    held[0] = this->allocate(2);
    require(this->pages_kept() == 0, "it is not handed out again");
    held[1] = this->allocate(2);
    this->make_wanted(3);
    held[2] = this->allocate(2);  // not what is there: all of it leaves
    require(this->pages_kept() == 0, "who needs pages is not given those that lie here");
  }
  void thread(unsigned t) {
    switch (t) {
      case 0:
        this->free(held[0]);
        this->allocate_and_free(3);
        break;
      case 1:
        this->free(held[1]);
        held[1] = this->allocate(2);
        break;
      default:
        this->pool.give_up_spares(false);
        this->pool.give_up_spares(false);
    }
  }
  void after() {
    for (unsigned i : {1, 2}) this->free(held[i]);
    for (auto*& span : held) span = this->allocate(3);
    for (auto* span : held) this->free(span);
    require(this->pages_kept() == 6, "more stays than there is room for, or less");
    this->check_all_comes_home();
  }
};

const Listed<LargeSpares> spares{"LargeSpares", "I1 I3 I5 I9", 2};

// What nobody has use for leaves with the second look, and its length is wanted no more; while others
// grow, or free it again, or their local pools come by.
template <unsigned kThreads>
struct LargeSparesLeave : LargeSparesScenario<LargeSparesLeave<kThreads>, kThreads> {
  using Base = LargeSparesScenario<LargeSparesLeave<kThreads>, kThreads>;
  typename Base::LocalPool* local = nullptr;

  void before() {
    Base::before();
    local = Base::LocalPool::open(this->pool);
    this->make_wanted(2);
    auto* const span = local->take_large_spare(2, 1, false);
    this->hold(span, 2);
    this->let_go_large(span, 2);
    require(!local->keep_large_hit(span) && local->keep_large(span), "no shard keeps it");
    require(this->pages_kept() == 2, "it does not stay");
  }
  void thread(unsigned t) {
    switch (t) {
      case 0:
        this->pool.give_up_spares(false);
        this->pool.give_up_spares(false);
        break;
      case 1: this->allocate_and_free(2); break;
      default: this->free(this->allocate(2, true));
    }
  }
  // All else is in use: what lies here serves others before the arena grows.
  void use_before_growing() {
    this->make_wanted(2);
    const auto counts = this->pool.counts();
    typename Base::Span* rest[32];
    const std::size_t pages = (counts.ledger.clean_bytes + counts.ledger.dirty_bytes) / kPageBytes;
    require(pages <= 32, "more is free than there is room for");
    for (std::size_t i = 0; i < pages; ++i) rest[i] = this->take_large(1);
    require(this->pages_kept() == 2, "what lies here is used before what is free");
    this->give_large(this->take_large(2), 2);
    require(this->pages_kept() == 0, "the arena has grown beside it");
    require(this->pool.counts().ledger.committed_bytes == counts.ledger.committed_bytes,
            "the arena has grown");
    for (std::size_t i = 0; i < pages; ++i) this->give_large(rest[i], 1);
  }
  void after() {
    this->pool.give_up_spares(false);
    this->pool.give_up_spares(false);
    require(this->pages_kept() == 0, "what nobody has use for stays");
    auto* span = this->pool.take_large(2, 1);  // not asked for here
    this->hold(span, 2);
    this->free(span);
    require(this->pages_kept() == 0, "a length is wanted that nobody had use for");
    span = this->allocate(2);
    this->free(span);
    require(this->pages_kept() == 2, "a length is not learnt again");
    expect_misuse(ralloc::Misuse::kDoubleFree, span->begin(), [&] {
      (void)this->pool.give_large_part(span->begin(), kPayloadBytes, true);
    });
    require(this->large_blocks(2) == 0, "what is nobody's is listed");
    const bool is_aligned = span->first_page_.get() % 8 == 0;
    auto* const aligned = this->pool.take_large_spare(0, 2, 8, false);
    require((aligned == span) == is_aligned, "it is not aligned");
    if (aligned != nullptr) this->hold(span, 2);
    this->free(aligned != nullptr ? span : this->allocate(2));
    require(this->pages_kept() == 2, "an aligned block does not stay");
    // Used between two looks it is new.
    this->pool.give_up_spares(false);
    this->allocate_and_free(2);
    this->pool.give_up_spares(false);
    require(this->pages_kept() == 2, "what is used leaves");
    // A second one of its length was not asked for.
    auto* const other = this->pool.take_large(2, 1);
    this->allocate_and_free(2);
    this->hold(other, 2);
    this->free(other);
    require(this->pages_kept() == 2, "more stays than was asked for");
    auto* const grown = this->allocate(2);
    this->make_wanted(3);
    this->free(grown);
    require(this->pages_kept() == 5, "two lengths do not stay");
    span = this->allocate(2, true);
    require(this->pages_kept() == 0, "what lies here is in the way of who grows");
    this->free(span);
    use_before_growing();
    auto* const apart = this->pool.take_apart(4);
    require(apart != nullptr && !this->pool.leave_large(apart, 0), "a mapping stays");
    this->pool.free_large(apart);
    this->pool.give_up_spares(true);
    // Where no more than so much may be dirty nothing stays.
    World::dirty_bytes = 8 * kPageBytes;
    this->make_wanted(2);
    require(this->pages_kept() == 0, "what is dirty stays");
    World::dirty_bytes = SIZE_MAX;
    require(local->is_valid(), "a local pool is not valid");
    local->close();
    this->check_all_is_home();
  }
};

const Listed<LargeSparesLeave> leave{"LargeSparesLeave", "I1 I3 I9 I10", 2};

// The holder of the shard's lock was lost to a fork at any of its writes: a retired shard hands none
// out again, and another one does.
template <unsigned kThreads>
struct LargeSparesRetire : LargeSparesScenario<LargeSparesRetire<kThreads>, kThreads, RelacyFutexSync> {
  using Base = LargeSparesScenario<LargeSparesRetire<kThreads>, kThreads, RelacyFutexSync>;
  typename Base::Span* spare = nullptr;
  typename Base::Span* taken = nullptr;

  void before() {
    Base::before();
    this->make_wanted(3);
    this->make_wanted(2);
    auto* const two = this->allocate(2);
    this->make_wanted(3);
    spare = this->allocate(3);
    this->free(spare);
    this->let_go_large(two, 2);
    Execution::writes_until_lost = 1 + rl::rand(20);
    try {
      (void)this->pool.leave_large(two, 0);
      Execution::writes_until_lost = 0;
    } catch (const Execution::Lost&) {
    }
    ++Execution::generation;
  }
  void thread(unsigned t) {
    switch (t) {
      case 0: taken = this->allocate(3); break;
      case 1: this->pool.give_up_spares(false); break;
      default: (void)this->pages_kept();
    }
  }
  void after() {
    require((taken == spare) != Execution::lost_with(this->shards[0]),
            "a spare is not handed out, or not given up");
    this->free(taken);
    require(this->pool.is_valid(), "a structure is not valid");
  }
};

const Listed<LargeSparesRetire> retire{"LargeSparesRetire", "I1 I3", 2};

}  // namespace
}  // namespace ralloc_verify
