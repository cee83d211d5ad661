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

// Freed blocks of an arena page or less stay accessible, four pages of them.
struct OpenDefences : GuardDefences {
  static constexpr bool kFindsWritesAtReuse = true;
  static constexpr std::size_t kGuardedMost = 100;
  static constexpr std::size_t kLargeOpenMost = kSmallPage;
  static constexpr std::size_t kLargeOpenBytes = 4 * kSmallPage;
};

struct OpenLimits : SmallLimits {
  using Defences = OpenDefences;
  static inline const void* written = nullptr;  // to which the program wrote after it freed it
  static inline std::size_t zeroed = 0;
  static void zero(void*, std::size_t bytes) { zeroed += bytes; }
  static bool is_zero(const void* begin, std::size_t) { return begin != written; }
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
