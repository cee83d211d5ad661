// Blocks that grow lie where they have room, of which others take the end.
//
// Invariants: I9 (what is cut out of the middle, or off the end, of a free run leaves the rest of it
// free), I6. Cannot see: where a block grows best, which is no matter of safety.
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct Rooms : PoolScenario<Rooms<kThreads>, kThreads> {
  void before() { this->give_large(this->take_large(kDirtyPages), kDirtyPages); }
  void thread(unsigned t) {
    if (t == 1) {
      this->give_large(this->take_large(1), 1);
      return;
    }
    Span* const span = take_growing(1);
    // Over dirty pages, as far as they go, and clean ones.
    const std::size_t most = t == 0 ? kDirtyPages + 1 : 2;
    const std::size_t pages = this->pool.ledger().extend(span, most) ? most : 1;
    for (std::size_t i = 1; i < pages; ++i) World::hold(span->begin() + i * kPageBytes);
    this->give_large(span, pages);
  }
  void after() {
    this->check_all_is_home();
    // Clean ones, where no dirty run has room enough; and none at all of so many.
    this->give_large(take_growing(2 * kDirtyPages), 2 * kDirtyPages);
    this->check_all_is_home();
  }

 private:
  using Span = typename PoolScenario<Rooms, kThreads>::Span;
  static constexpr std::size_t kDirtyPages = 5;

  Span* take_growing(std::size_t pages) {
    Span* const span = this->pool.take_large(pages, 1, true);
    require(span != nullptr, "no memory");
    this->hold_large(span, pages);
    return span;
  }
};

const Listed<Rooms> listed{"Rooms", "I6 I9", 2};

}  // namespace
}  // namespace ralloc_verify
