// Zeros in blocks: whether there is nothing else, and putting them there.
//
// Thread safety: who calls has the block to itself.
// Blocks are aligned to kGrain and a multiple of it, and so is what is asked for here: one grain
// at least.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "shim/annotations.h"

namespace ralloc {

// What one instruction of the least x86-64 loads and stores.
using Grain [[gnu::vector_size(16), gnu::may_alias]] = std::uint64_t;
static_assert(sizeof(Grain) == 16);

// Blocks hardly ever hold anything else, so it looks at all of it and branches once. The last four
// grains may be some of those before: that is fewer instructions than a loop for the rest.
[[gnu::always_inline]] inline bool is_all_zero(const void* block, std::size_t bytes) {
  const Grain* p = static_cast<const Grain*>(block);
  const Grain* const end = p + bytes / sizeof(Grain);
  Grain even = end[-1];
  if (bytes < 4 * sizeof(Grain)) {  // one to three: the first, the middle, the last
    even |= p[0] | p[bytes / (2 * sizeof(Grain))];
    return (even[0] | even[1]) == 0;
  }
  Grain odd = end[-2];
  even |= end[-3];
  odd |= end[-4];
  for (const Grain* const last = end - 4; p < last; p += 4) {
    even |= p[0];
    odd |= p[1];
    even |= p[2];
    odd |= p[3];
  }
  even |= odd;
  return (even[0] | even[1]) == 0;
}

// No call of libc's, whose way to choose how to do it is as long as all of it for a small block, and
// which no compiler need keep registers for.
[[gnu::always_inline]] inline void make_zero(void* block, std::size_t bytes) {
  Grain* p = static_cast<Grain*>(block);
  Grain* const end = p + bytes / sizeof(Grain);
  constexpr Grain kZero{};
  end[-1] = kZero;
  if (bytes < 4 * sizeof(Grain)) {
    p[0] = p[bytes / (2 * sizeof(Grain))] = kZero;
    return;
  }
  end[-2] = end[-3] = end[-4] = kZero;
  for (Grain* const last = end - 4; p < last; p += 4) p[0] = p[1] = p[2] = p[3] = kZero;
}

}  // namespace ralloc
