// Blocks between inaccessible pages come, change, fall into parts and go, while others use the
// arena, which has guards too.
//
// Invariants: I6 (nobody holds what is closed or released, and it is released once), I8 (addresses
// are for others when they have left the quarantine), I9 (guards are in no run, and come into one
// when their block falls into parts), I3 (a freed block's page says so, and no live one's).
// Cannot see: the kernel's mappings (guarded_test.cc, arena_guards_test.cc).
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

struct GuardDefences : ralloc::NoDefences {
  static constexpr bool kGuardsLarge = true;
  static constexpr std::size_t kGuardedMost = 3;
  static constexpr std::size_t kGuardedForBallast = 1;
  static constexpr std::size_t kGuardInterval = 4 * kPageBytes;
  static constexpr bool kRandomBases = true;
  static constexpr std::size_t kLargeQuarantineBytes = 4 * kPageBytes;
};
struct GuardLimits : TinyLimits {
  using Defences = GuardDefences;
};

template <class Model, unsigned kThreads, class Sync = RelacySync, class Limits = GuardLimits>
struct GuardScenario : PoolScenario<Model, kThreads, Sync, Limits> {
  using Span = typename PoolScenario<Model, kThreads, Sync, Limits>::Span;

  Span* take_guarded(std::size_t bytes, std::size_t align = 1) {
    Span* const span = this->pool.take_guarded(bytes, align);
    require(span != nullptr && span->first_page_.get() % align == 0, "no memory");
    require(!this->pool.map().was_freed(span->begin()), "a live block was freed");
    this->hold_bytes(span->begin(), bytes);
    return span;
  }
  void give_guarded(Span* span, std::size_t bytes) {
    require(this->pool.large_at(span->begin()) == span, "a large block is not found");
    this->let_go_bytes(span->begin(), bytes);
    this->pool.give_large(span, ralloc::SpanState::kDirty);
  }
  // False if it cannot.
  bool resize(Span* span, std::size_t bytes, std::size_t more_or_less) {
    char* const begin = span->begin();
    if (more_or_less < bytes) {
      this->let_go_bytes(begin + more_or_less, bytes - more_or_less);
    }
    if (!this->pool.resize_guarded(span, more_or_less)) return false;
    if (more_or_less > bytes) this->hold_bytes(begin + bytes, more_or_less - bytes);
    span->slack_.set(span->bytes() - more_or_less);
    return true;
  }
  void after() {
    World::refused_reserves = World::refused_backing = World::refused_records = 0;
    World::clashing_reserves = World::refused_closes = 0;
    this->pool.release_quarantined();
    this->check_all_is_home();
  }
};

template <unsigned kThreads>
struct GuardedBlocks : GuardScenario<GuardedBlocks<kThreads>, kThreads> {
  void before() {
    World::reuses_addresses = true;
    this->take_and_give(0, kTwoBlocks);
  }
  void thread(unsigned t) {
    if (t == 2) {
      this->give_large(this->take_large(1), 1);
      this->pool.trim();
      return;
    }
    auto* const span = this->take_guarded(kPageBytes, t + 1);
    char* const begin = span->begin();
    if (t == 1) {
      this->give_large_part(begin, kPageBytes / 2);
      return this->give_large_part(begin + kPageBytes / 2, kPageBytes / 2);
    }
    require(this->resize(span, kPageBytes, 2 * kPageBytes), "there is room");
    require(this->resize(span, 2 * kPageBytes, kPageBytes / 2), "it shrinks");
    this->give_guarded(span, kPageBytes / 2);
    auto* const next = this->take_guarded(kPageBytes);
    // Unless another has reserved since.
    const std::size_t bytes = this->resize(next, kPageBytes, 4 * kPageBytes) ? 4 : 1;
    require(this->pool.extend_large_part(next->begin(), bytes * kPageBytes, bytes * kPageBytes,
                                         8 * kPageBytes) == bytes * kPageBytes,
            "a part grows into what is inaccessible");
    this->give_large_part(next->begin(), bytes * kPageBytes);
  }
};

const Listed<GuardedBlocks> listed{"GuardedBlocks", "I3 I6 I8 I9 I10", 3};

// The kernel, or a limit, refuses one of what they need; or as many live as may.
template <unsigned kThreads>
struct GuardedRefusals : GuardScenario<GuardedRefusals<kThreads>, kThreads> {
  unsigned refused = 0;

  void before() {
    this->take_and_give(0, kTwoBlocks);
    refused = rl::rand(6);
  }
  void thread(unsigned t) {
    if (t == 2) return this->take_and_give(1, kThreeBlocks);
    if (t == 0) refuse();
    auto* const span = this->pool.take_guarded(kPageBytes, 1);
    if (span == nullptr) return;
    this->hold_bytes(span->begin(), kPageBytes);
    if (t == 0) {
      refuse();
      if (this->resize(span, kPageBytes, 2 * kPageBytes)) {
        if (!this->resize(span, 2 * kPageBytes, kPageBytes)) {
          this->hold_bytes(span->begin() + kPageBytes, kPageBytes);
          refuse();
          return this->give_guarded(span, 2 * kPageBytes);
        }
      }
      refuse();
      return this->give_guarded(span, kPageBytes);
    }
    char* const begin = span->begin();
    this->let_go_bytes(begin, kPageBytes / 2);
    if (!this->pool.give_large_part(begin, kPageBytes / 2, true)) {
      this->hold_bytes(begin, kPageBytes / 2);
      require(this->pool.large_at(begin) == span, "it is not as it was");
      return this->give_guarded(span, kPageBytes);
    }
    this->give_large_part(begin + kPageBytes / 2, kPageBytes / 2);
  }
  void refuse() {
    unsigned* const refusals[] = {&World::refused_reserves, &World::refused_backing,
                                  &World::refused_records, &World::refused_closes};
    if (refused < 4) *refusals[refused] = 1;
    if (refused == 4) World::address_limit = 64 * kPageBytes;
    if (refused == 5) World::clashing_reserves = 1;
  }
};

const Listed<GuardedRefusals> refusals{"GuardedRefusals", "I6 I9", 2};

// Steps and pieces behind guards, and without them where the process has no mapping left.
template <unsigned kThreads>
struct ArenaGuards : GuardScenario<ArenaGuards<kThreads>, kThreads> {
  typename GuardScenario<ArenaGuards, kThreads>::Span* kept = nullptr;

  void before() {
    kept = this->take_large(3);
    World::refused_backing = rl::rand(4);
  }
  void thread(unsigned t) {
    try_large(t == 0 ? 3 : 2);  // of another piece, or of what is left of the first
    try_large(t == 1 ? 5 : 1);  // a piece of its own
  }
  void after() {
    World::refused_backing = 0;
    this->give_large(kept, 3);
    GuardScenario<ArenaGuards, kThreads>::after();
  }
  void try_large(std::size_t pages) {
    auto* const span = this->pool.take_large(pages, 1);
    if (span == nullptr) return;
    this->hold_large(span, pages);
    require(!this->pool.ledger().extend(span, pages + 8), "it grows over a guard");
    this->give_large(span, pages);
  }
};

const Listed<ArenaGuards> arena{"ArenaGuards", "I9", 2};

// A thread was lost to a fork while it took or gave such a block.
template <unsigned kThreads>
struct GuardedFork : GuardScenario<GuardedFork<kThreads>, kThreads, RelacyFutexSync> {
  typename GuardScenario<GuardedFork, kThreads, RelacyFutexSync>::Span* inherited = nullptr;

  void before() {
    inherited = this->take_guarded(kPageBytes);
    Execution::writes_until_lost = 1 + rl::rand(60);
    try {
      auto* const span = this->pool.take_guarded(kPageBytes, 1);
      this->pool.give_large(span, ralloc::SpanState::kDirty);
      (void)this->pool.take(0, kTwoBlocks, nullptr, 0);
      require(false, "it was not lost");
    } catch (const Execution::Lost&) {
    }
    ++Execution::generation;
  }
  void thread(unsigned t) {
    if (t == 1) return this->give_guarded(inherited, kPageBytes);
    this->give_guarded(this->take_guarded(kPageBytes), kPageBytes);
  }
  void after() {
    this->pool.release_quarantined();
    require(this->pool.is_valid(), "a structure is not valid");
    for (bool is_held : World::is_held) require(!is_held, "a block is held by nobody");
  }
};

const Listed<GuardedFork, 3, 2> fork{"GuardedFork", "I3 I6 mutex", 1};

// What was freed is used again, open or closed; and to one a thread writes after it freed it.
struct ReuseDefences : GuardDefences {
  static constexpr bool kFindsWritesAtReuse = true;
  static constexpr std::size_t kGuardedMost = 8;
  static constexpr std::size_t kLargeQuarantineBytes = 8 * kPageBytes;
  static constexpr std::size_t kLargeOpenMost = kPageBytes;
  static constexpr std::size_t kLargeOpenBytes = 2 * kPageBytes;
};
struct ReuseLimits : TinyLimits {
  using Defences = ReuseDefences;
  static void zero(void* begin, std::size_t bytes) { World::wipe(begin, bytes); }
  // Whoever looks must be the only one who has it.
  static bool is_zero(const void* begin, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes >> kPayloadShift; ++i) {
      if (World::payloads[World::index(begin) + i].get() != ~0u) return false;
    }
    return true;
  }
};

template <unsigned kThreads>
struct GuardedReuse : GuardScenario<GuardedReuse<kThreads>, kThreads, RelacySync, ReuseLimits> {
  using Base = GuardScenario<GuardedReuse, kThreads, RelacySync, ReuseLimits>;
  using Span = typename Base::Span;

  // Two open ones and two closed ones wait, or one more of either is used already.
  void before() {
    Span* spans[4];
    const std::size_t bytes[] = {kPageBytes, kPageBytes / 2, 2 * kPageBytes, 2 * kPageBytes};
    for (unsigned i = 0; i < 4; ++i) spans[i] = this->take_guarded(bytes[i]);
    for (unsigned i = 0; i < 4; ++i) this->give_guarded(spans[i], bytes[i]);
  }
  void thread(unsigned t) {
    if (t == 2) return void(this->pool.trim());
    if (t == 1) return this->pool.decay(World::now_ms + 2 * TinyLimits::kDecayMs);
    Span* const open = this->take_guarded(kPageBytes);
    Span* const closed = this->take_guarded(2 * kPageBytes);
    this->give_guarded(open, kPageBytes);
    this->give_guarded(closed, 2 * kPageBytes);
  }
};

const Listed<GuardedReuse> reuse{"GuardedReuse", "I1 I3 I6 I9", 3};

template <unsigned kThreads>
struct GuardedWriteAfterFree
    : GuardScenario<GuardedWriteAfterFree<kThreads>, kThreads, RelacySync, ReuseLimits> {
  using Base = GuardScenario<GuardedWriteAfterFree, kThreads, RelacySync, ReuseLimits>;
  using Span = typename Base::Span;

  void before() {
    Span* const spans[] = {this->take_guarded(kPageBytes), this->take_guarded(kPageBytes)};
    char* const begin = spans[0]->begin();
    for (Span* span : spans) this->give_guarded(span, kPageBytes);
    World::use(begin);
    const bool is_trimmed = rl::rand(2) != 0;
    expect_misuse(ralloc::Misuse::kWriteAfterFree, begin, [&] {
      if (is_trimmed) {
        (void)this->pool.trim();
      } else {
        (void)this->pool.take_guarded(kPageBytes, 1);
      }
    });
  }
  void thread(unsigned) { this->give_guarded(this->take_guarded(kPageBytes), kPageBytes); }
  // What was found is nobody's any more: the program would have ended.
  void after() {
    this->pool.release_quarantined();
    require(this->pool.is_valid(), "a structure is not valid");
  }
};

const Listed<GuardedWriteAfterFree> written{"GuardedWriteAfterFree", "I1", 1};

}  // namespace
}  // namespace ralloc_verify
