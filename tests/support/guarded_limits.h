// The small pool with guard pages, few and at short intervals.
//
// Thread safety: constants.
#pragma once

#include "tests/support/small_pool.h"

namespace ralloc_test {

struct GuardDefences : ralloc::NoDefences {
  static constexpr bool kGuardsLarge = true;
  static constexpr std::size_t kGuardedMost = 3;
  static constexpr std::size_t kGuardInterval = 4 * ralloc::kMiB;
  static constexpr std::size_t kLargeQuarantineBytes = 4 * ralloc::kMiB;
};

struct GuardLimits : SmallLimits {
  using Defences = GuardDefences;
};

struct RandomDefences : GuardDefences {
  static constexpr bool kRandomBases = true;
  static constexpr std::size_t kGuardedMost = 100'000;
  static constexpr std::size_t kGuardedForBallast = 8;
};

struct RandomLimits : SmallLimits {
  using Defences = RandomDefences;
};

}  // namespace ralloc_test
