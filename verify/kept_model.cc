// Large blocks that a thread keeps when it frees them, for its next ones, while others take, give and
// list what lies beside them.
//
// Invariants: I1 of large blocks (what is kept is nobody's, and is handed out once), I3 (to the ledger
// it is no block), I9 (it comes home), and the room drawn from the budget.
// I10: who frees a part of what is kept is told. Cannot see: a look at what is just being kept.
#include "verify/kept_world.h"
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <class Model, unsigned kThreads>
struct KeptScenario : PoolScenario<Model, kThreads, RelacySync, KeptLimits> {
  using Base = PoolScenario<Model, kThreads, RelacySync, KeptLimits>;
  using typename Base::LocalPool;
  using typename Base::Span;
  LocalPool* locals[kThreads] = {};

  // --- As alloc/ does it
  Span* allocate_large(LocalPool* local, std::size_t pages, bool will_grow = false,
                       Place place = Place::here()) {
    Span* span = local->take_large(pages, will_grow);
    if (span == nullptr) span = this->pool.take_large(pages, 1);
    require(span != nullptr && span->pages_.get() == pages, "not such a block", place);
    require(this->pool.large_at(span->begin()) == span, "a large block is not found", place);
    require(ralloc::is_live(this->pool.map().key_of(span->begin())), "it has no key (I3)", place);
    require(!span->is_aside(), "a live block is aside", place);
    require(span->whole_bytes_.load(RelacySync::kRelaxed) == 0, "it has another's size", place);
    this->hold_large(span, pages, place);
    return span;
  }
  void free_large(LocalPool* local, Span* span, std::size_t pages, Place place = Place::here()) {
    this->let_go_large(span, pages, place);
    keep_or_free(local, span, place);
  }
  void keep_or_free(LocalPool* local, Span* span, Place place = Place::here()) {
    if (!local->keep_large_hit(span) && !local->keep_large(span)) {
      return this->pool.free_large(span);
    }
    require(span->is_aside(), "who frees it again is not told", place);
  }

  void before() {
    for (LocalPool*& local : locals) local = LocalPool::open(this->pool);
  }
  void after() {
    for (LocalPool* local : locals) {
      require(local->is_valid(), "a local pool is not valid");
      local->close();
    }
    this->check_all_is_home();
  }
};

// Each thread frees what another allocated, has it again, and cuts it where a block will grow.
template <unsigned kThreads>
struct Kept : KeptScenario<Kept<kThreads>, kThreads> {
  using Base = KeptScenario<Kept<kThreads>, kThreads>;
  typename Base::Span* foreign[kThreads] = {};

  void before() {
    Base::before();
    for (unsigned t = 0; t < kThreads; ++t) foreign[t] = this->allocate_large(this->locals[0], 2);
  }
  void thread(unsigned t) {
    auto* const local = this->locals[t];
    this->free_large(local, foreign[t], 2);
    if (t == 0) {
      // One page of two: the other is free for all, and for this one to grow.
      auto* const cut = this->allocate_large(local, 1, true);
      this->free_large(local, cut, 1);
    }
    auto* const again = this->allocate_large(local, 2);
    this->free_large(local, again, 2);
    require(local->large_bytes() <= 2 * kPageBytes, "more is kept than there is room for");
    if (t == 1) local->flush();
  }
};

const Listed<Kept> kept{"Kept", "I1 I3 I5 I9", 2};

// What is kept is in no list of blocks, and what is not is, while it comes and goes beside a block
// that falls into parts.
template <unsigned kThreads>
struct KeptBeside : KeptScenario<KeptBeside<kThreads>, kThreads> {
  using Base = KeptScenario<KeptBeside<kThreads>, kThreads>;
  typename Base::Span* own = nullptr;
  typename Base::Span* beside = nullptr;

  void before() {
    Base::before();
    own = this->allocate_large(this->locals[0], 1);
    beside = this->allocate_large(this->locals[0], 3);
  }
  void thread(unsigned t) {
    switch (t) {
      case 0:
        this->free_large(this->locals[0], own, 1);
        refuse_part(own->begin() + kPayloadBytes);
        own = this->allocate_large(this->locals[0], 1);
        require(this->large_blocks(1) >= 1, "a large block is not listed");
        this->free_large(this->locals[0], own, 1);
        break;
      case 1: {
        char* const begin = beside->begin();
        this->give_large_part(begin, kPageBytes);
        require(this->large_blocks(2) == 1, "a large block is not listed");
        this->give_large_part(begin + kPageBytes, 2 * kPageBytes);
        break;
      }
      default:
        require(this->large_blocks(1) <= 1, "a large block too many is listed");
    }
  }
  void refuse_part(char* part) {
    expect_misuse(ralloc::Misuse::kForeignFree, part,
                  [&] { (void)this->pool.give_large_part(part, kPayloadBytes, true); });
  }
  void after() {
    refuse_part(own->begin() + kPayloadBytes);
    require(this->locals[0]->large_bytes() == kPageBytes, "it is not kept");
    require(this->large_blocks(1) == 0, "what is kept is listed");
    // Two of one length.
    auto* const local = this->locals[0];
    typename Base::Span* const two[] = {this->allocate_large(local, 1), this->allocate_large(local, 1)};
    for (auto* span : two) this->free_large(local, span, 1);
    require(local->is_valid(), "a local pool is not valid");
    for (int i = 0; i < 2; ++i) own = this->allocate_large(local, 1);
    require(own == two[0] && local->large_bytes() == 0, "not all of them are handed out again");
    for (auto* span : two) this->free_large(local, span, 1);
    Base::after();
  }
};

// Who frees so many bytes as were asked for has all of the block, and need not ask the ledger, while
// others free parts of theirs, or lengthen them.
template <unsigned kThreads>
struct KeptWhole : KeptScenario<KeptWhole<kThreads>, kThreads> {
  using Base = KeptScenario<KeptWhole<kThreads>, kThreads>;
  static constexpr std::size_t kAsked = kPageBytes - kPayloadBytes;
  char* growing = nullptr;
  char* shared = nullptr;

  auto& early() { return this->pool.ledger().early(); }

  void before() {
    Base::before();
    growing = ask(0, 3, 2 * kPageBytes, true);
    World::let_go(growing + 2 * kPageBytes);  // not asked for
    shared = ask(0, 2, 2 * kPageBytes);
  }
  char* ask(unsigned t, std::size_t pages, std::size_t bytes, bool is_early = false) {
    require(!is_early || early().draw(kPageBytes, 2 * kPageBytes), "no block is early any more");
    auto* const span = this->allocate_large(this->locals[t], pages);
    span->ask_for(bytes);
    if (is_early) span->begin_early();
    require(this->pool.known_whole(span->begin(), bytes) == span, "its size is not known");
    return span->begin();
  }
  // As alloc/ does it.
  void free_bytes(unsigned t, char* begin, std::size_t bytes) {
    for (std::size_t at = 0; at < bytes; at += kPageBytes) World::let_go(begin + at);
    auto* const whole = this->pool.known_whole(begin, bytes);
    if (whole != nullptr) return this->keep_or_free(this->locals[t], whole);
    require(this->pool.give_large_part(begin, bytes, true), "no memory");
  }
  void thread(unsigned t) {
    if (t > 1) {
      this->give_large(this->take_large(1), 1);
      return;
    }
    free_bytes(t, shared + t * kPageBytes, kPageBytes);
    if (t == 0) {
      const std::size_t all = 3 * kPageBytes;
      require(this->pool.extend_large_part(growing, 2 * kPageBytes, all, all) == all, "no room");
      World::hold(growing + 2 * kPageBytes);
      free_bytes(t, growing, 2 * kPageBytes);
      free_bytes(t, growing + 2 * kPageBytes, kPageBytes);
    } else {
      char* const own = ask(t, 1, kAsked, true);
      free_bytes(t, own, kAsked);
      expect_misuse(ralloc::Misuse::kDoubleFree, own,
                    [&] { (void)this->pool.give_large_part(own, kAsked, true); });
      require(this->pool.known_whole(own, kAsked) == nullptr, "what was freed is a block");
    }
  }
  void after() {
    require(early().drawn() == 0, "a block that is gone is early");
    char* const own = ask(0, 2, 2 * kPageBytes);
    free_bytes(0, own + kPageBytes, kPageBytes);
    require(this->pool.known_whole(own, 2 * kPageBytes) == nullptr, "a part of it was freed");
    free_bytes(0, own, kPageBytes);
    // The same record again: neighbours that are taken keep it from being merged.
    auto* const low = this->take_large(1);
    char* const middle = ask(0, 3, 3 * kPageBytes);
    auto* const high = this->take_large(1);
    free_bytes(0, middle, 3 * kPageBytes);
    auto* const again = this->allocate_large(this->locals[0], 3);
    require(again->begin() == middle, "not the same place");
    free_bytes(0, middle, 3 * kPageBytes);
    for (auto* span : {low, high}) this->give_large(span, 1);
    Base::after();
  }
};

const Listed<KeptBeside> beside{"KeptBeside", "I1 I3 I9 I10", 2};
const Listed<KeptWhole> whole{"KeptWhole", "I1 I3 I9 I10", 2};

}  // namespace
}  // namespace ralloc_verify
