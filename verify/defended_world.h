// The world with the defences of the security build that are part of the protocol: blocks in random
// order, a quarantine of four blocks, two of them in slots, and a look at what goes home.
//
// Thread safety: a model's threads are fibers of one thread.
#pragma once

#include "verify/pool_scenario.h"

namespace ralloc_verify {

struct DefendedLimits : TinyLimits {
  struct Defences : ralloc::NoDefences {
    static constexpr bool kFindsWritesAtFlush = true;
    static constexpr bool kShufflesBlocks = true;
    static constexpr std::size_t kThreadQuarantineBytes = 4 * 21840;  // larger ones pass by
    static constexpr std::size_t kThreadQuarantineSwaps = 2;
  };
  static constexpr std::size_t kQuarantineBlocks = 4;
  static constexpr std::size_t kPoolRecord = 328;  // as many words as in the tiny world

  // The same in each run, as a search needs it.
  struct Random {
    std::uint64_t state = 0;
    std::uint64_t next() { return state = state * 6364136223846793005u + 1442695040888963407u; }
    std::uint32_t bits(unsigned n) { return std::uint32_t(next() >> (64 - n)); }
  };

  // What the program wrote to after it freed it.
  static inline const void* written = nullptr;
  static bool is_untouched(const void* block, unsigned) { return block != written; }
};

using DefendedLocalPool = ralloc::LocalPool<RelacySync, DefendedLimits>;

}  // namespace ralloc_verify
