// The page map opens while other threads ask it for addresses that are nobody's.
//
// Invariants: I3 (publication: a reader sees the empty map or the whole one), I8.
// The readers ask for null and for an address that shares no place with the arena, before,
// during and after the opening; what they free afterwards was handed to them.
// Cannot see: more than one opening, since the ledger's lock forbids it.
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct PageMapOpens : PoolScenario<PageMapOpens<kThreads>, kThreads> {
  Atomic<void*> handed{nullptr};

  void thread(unsigned t) {
    if (t == 0) {
      handed.store(this->take(0, kTwoBlocks), Order::kRelease);
      return;
    }
    ask(reinterpret_cast<void*>(std::uintptr_t{20} << kPageShift));
    if (t == 1) {
      void* block = handed.load(Order::kAcquire);
      if (block != nullptr) this->check_key(block);
    } else {
      ask(nullptr);
    }
  }
  void ask(void* foreign) {
    require(!ralloc::is_live(this->pool.map().key_of(foreign)), "a foreign address has a key");
  }
  void after() {
    this->give(handed.load(Order::kAcquire));
    this->check_all_is_home();
  }
};

const Listed<PageMapOpens, 3, 2> listed{"PageMapOpens", "I3 I8", 2};

}  // namespace
}  // namespace ralloc_verify
