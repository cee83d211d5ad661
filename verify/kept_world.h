// The tiny world, where threads keep large blocks that they freed: up to two pages.
//
// Thread safety: a model's threads are fibers of one thread.
#pragma once

#include "verify/small_world.h"

namespace ralloc_verify {

struct KeptConfig : TinyConfig {
  static constexpr std::size_t kLargeKeptMost = 2 * kPageBytes;
  static constexpr std::size_t kLargeKeptBytes = 2 * kPageBytes;
};
struct KeptLimits : TinyLimits {
  using Config = KeptConfig;
  static constexpr std::size_t kPoolRecord =
      TinyLimits::kPoolRecord + sizeof(ralloc::LargeStacks<RelacySync, KeptLimits>);
  static std::size_t all_pools_bytes() { return 3 * kPageBytes; }  // the room of one pool, not of two
};

}  // namespace ralloc_verify
