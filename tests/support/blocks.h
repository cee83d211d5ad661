// What the tests of Block ask of one.
//
// Thread safety: any thread, of blocks that it has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ralloc/block.h"

namespace ralloc_test {

inline constexpr std::size_t kBlockSizes[] = {32,   100,   1024,  1025,
                                              5000, 32768, 32769, 1'000'000};

inline char* at(const ralloc::Block& block, std::size_t offset) {
  return static_cast<char*>(block.data()) + offset;
}
inline bool is_aligned(const ralloc::Block& block) {
  return reinterpret_cast<std::uintptr_t>(block.data()) % block.align() == 0;
}
inline bool is_empty(const ralloc::Block& block) {
  const bool has_memory{block};
  return !has_memory && block.data() == nullptr && block.size() == 0;
}
inline void fill(const ralloc::Block& block, int value) {
  if (block.size() != 0) std::memset(block.data(), value, block.size());
}

}  // namespace ralloc_test
