// A thread is lost to a fork at any of its writes while it frees a part; those that are left
// free the other parts, and one takes then.
//
// Invariants: I10 (the other parts are live, and freeing them is no misuse), I1 (their bytes are
// handed to nobody before), I5; nobody waits for the dead. The mutex is the one that ships.
// Cannot see: a second fork; that the lost memory is reused (it is not).
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct ForkLosesPart : PoolScenario<ForkLosesPart<kThreads>, kThreads, RelacyFutexSync> {
  static constexpr std::size_t kPages = 3;
  static constexpr std::size_t kDoomed = kPageBytes * 3 / 2;
  static constexpr std::size_t kHalf = TinyLimits::size_class(kTwoBlocks).block_size / 2;
  void* small = nullptr;
  char* large = nullptr;
  char* page = nullptr;
  bool is_small_given = false;

  void before() {
    require(this->pool.take(0, kTwoBlocks, &small, 1) == 1, "no memory");
    this->hold_bytes(small, 2 * kHalf);
    large = take_bytes(kPages);
    page = take_bytes(1);
    lose_a_thread();
    ++Execution::generation;
  }
  void lose_a_thread() {
    const ralloc::Key key = this->check_key(small);
    this->let_go_bytes(small, kHalf);
    this->let_go_bytes(large, kDoomed);
    // There are 78 writes.
    Execution::writes_until_lost = kThreads > 2 ? 1 + rl::rand(78) : 6 + 12 * rl::rand(7);
    try {
      require(this->pool.give_part(small, kHalf, key), "no memory");
      is_small_given = true;
      require(this->pool.give_large_part(large, kDoomed, true), "no memory");
      require(false, "it was not lost");
    } catch (const Execution::Lost&) {
    }
  }

  void thread(unsigned t) {
    if (t == 1) {
      this->give_large_part(large + kDoomed, kPages * kPageBytes - kDoomed);
      return;
    }
    if (t == 0) return this->give_part(static_cast<char*>(small) + kHalf, kHalf);
    this->give_large_part(page, kPageBytes);
  }
  char* take_bytes(std::size_t pages) {
    auto* const span = this->pool.take_large(pages, 1);
    this->hold_bytes(span->begin(), span->bytes());
    return span->begin();
  }
  void after() {
    if (kThreads < 3) this->give_large_part(page, kPageBytes);
    this->give_large_part(take_bytes(kPages), kPages * kPageBytes);
    require(this->pool.is_valid(), "a structure is not valid");
    for (bool is_held : World::is_held) require(!is_held, "a byte is held by nobody");
    require(ralloc::is_live(this->pool.map().key_of(small)) == !is_small_given,
            "a block is home though a part of it is not, or the other way round");
    if (is_small_given) return;
    // Its span has a free block, which is there unless the shard was retired.
    void* next = nullptr;
    require(this->pool.take(0, kTwoBlocks, &next, 1) == 1, "no memory");
    using PageMap = typename TinyPool<RelacyFutexSync>::PageMap;
    require((PageMap::page_of(next) != PageMap::page_of(small)) ==
                Execution::lost_with(this->shards[0]),
            "a shard that was not retired gave up a span, or a retired one has it");
  }
};

const Listed<ForkLosesPart, 3, 2> listed{"ForkLosesPart", "I1 I5 I10 mutex", 2};

}  // namespace
}  // namespace ralloc_verify
