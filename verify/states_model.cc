// Threads free the same block at the same instant, and look at another that changes.
//
// Invariants: I11 of all who take a block back one is told that it was live, and that one can
// trust the slack; who sees that another's block is live sees its canary. Cannot see: what is done
// with the block then (tests/misuse).
#include <new>

#include "global_pool/block_states.h"
#include "verify/search.h"

namespace ralloc_verify {
namespace {

using ralloc::BlockState;
using Byte = RelacySync::Atomic<std::uint8_t>;

constexpr std::size_t kPages = 2;  // of the window
constexpr std::size_t kGrainsInPage = ralloc::BlockStates<RelacySync, void>::kGrainsInPage;
constexpr std::size_t kUsed = 16;  // bytes that are used, from the begin of the second page

// Atomic objects, as far as the model uses them.
struct StatesMemory {
  alignas(Byte) static inline unsigned char bytes[(kPages * kGrainsInPage + 8) * sizeof(Byte)];
  static inline bool refuses_map = false;
  static inline unsigned granted_commits = 0;
  static inline void* purged = nullptr;
  static inline std::size_t purged_bytes = 0;

  static Byte* used() { return reinterpret_cast<Byte*>(bytes) + kGrainsInPage; }
  static void* reserve_zeros(std::size_t) {
    if (refuses_map) return nullptr;
    for (std::size_t i = 0; i < kUsed; ++i) new (used() + i) Byte(0);
    return bytes;
  }
  static void end() {
    for (std::size_t i = 0; i < kUsed; ++i) used()[i].~Byte();
  }
  static bool commit(void*, std::size_t) { return granted_commits != 0 && granted_commits-- != 0; }
  static bool purge(void* p, std::size_t bytes) {
    purged = p;
    purged_bytes = bytes;
    return true;
  }
  static std::size_t granule() { return 4096; }
  static void clear(void* first, std::size_t) {
    if (first != used()) return;
    for (std::size_t i = 0; i < kUsed; ++i) used()[i].store(0, RelacySync::kRelaxed);
  }
};

template <unsigned kThreads>
struct TakesBack : Scenario<TakesBack<kThreads>, kThreads> {
  ralloc::BlockStates<RelacySync, StatesMemory> states;
  unsigned told_live = 0;
  std::size_t slack = 0;
  Cell<int> canary_there{0};  // of the third block, which goes to the program meanwhile

  static void* block(std::uintptr_t number) {
    return reinterpret_cast<void*>((std::uintptr_t{1} << ralloc::Config::kPageShift) +
                                   number * 4 * ralloc::kGrain);
  }

  void before() {
    StatesMemory::refuses_map = true;
    require(!states.open(kPages), "there are no addresses for the states");
    StatesMemory::refuses_map = false;
    require(states.open(kPages), "there are addresses for the states");
    StatesMemory::granted_commits = 3;
    require(!states.cover(1, 2), "there is no memory for those of the second page");
    StatesMemory::granted_commits = 4;
    require(states.cover(1, 2), "the window is covered, beyond its end too");
    states.begin_pages(1, 1, 12345);
    states.set(block(0), BlockState::kLive, 40000);
    states.set(block(1), BlockState::kLive, 7);
  }
  void thread(unsigned t) {
    if (t == 1) {
      canary_there.set(1);
      states.set(block(2), BlockState::kLive, 7);
    } else if (states.is_seen_live(block(2))) {
      require(canary_there.get() == 1, "the canary is there when the block is live");
    }
    if (t < 2) {
      const BlockState was = states.template take_back<true>(block(0));
      if (was.kind() == BlockState::kLive) {
        ++told_live;
        slack = states.slack_of(block(0), was);
      } else {
        require(was.kind() == BlockState::kFree, "it was live, and is free since");
      }
    } else {
      states.set_kind(block(1), BlockState::kBroken);
      require(states.slack_of(block(1)) == 7, "the slack stays");
      states.set_kind(block(1), BlockState::kLive);
    }
  }
  void after() {
    require(told_live == 1, "one thread is told that the block was live (I11)");
    require(slack == 40000, "the slack is what it was");
    require(states.state_of(block(0)).kind() == BlockState::kFree, "the block is free");
    // With no exchange one thread alone is told as well.
    const BlockState was = states.template take_back<false>(block(1));
    require(was.kind() == BlockState::kLive, "the other block was live");
    require(states.state_of(block(1)).kind() == BlockState::kFree, "the other block is free");
    states.restore(block(1), was);
    require(states.slack_of(block(1)) == 7, "what it was after all has its slack");
    const std::uint64_t canary = states.canary_of(block(1));
    require(canary != states.canary_of(block(0)), "canaries differ");
    states.begin_large(block(0), 54321);
    require(canary != states.canary_of(block(1)), "canaries are made anew");
    // The window's last page and its first.
    states.purge(1, 2);
    require(StatesMemory::purged >= StatesMemory::bytes &&
                StatesMemory::purged < StatesMemory::used() &&
                StatesMemory::purged_bytes <= kGrainsInPage * sizeof(Byte),
            "what is purged last is of the first page");
    StatesMemory::end();
  }
};

const Listed<TakesBack> listed{"TakesBack", "I11", 2};

}  // namespace
}  // namespace ralloc_verify
