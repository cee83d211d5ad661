// What a block takes up in ralloc's statistics.
//
// Thread safety: pure functions.
#pragma once

#include <cstddef>

#include "support/build.h"

namespace ralloc_test {

// The security build knows what was asked for to the byte, and counts blocks by their classes and
// pages.
inline std::size_t most_in_use(std::size_t usable) {
  constexpr std::size_t kPage = 64 * 1024;
  if (!kSecureBuild) return usable;
  return usable < kPage / 2 ? usable + usable / 4 + 32 : usable + 2 * kPage;
}

}  // namespace ralloc_test
