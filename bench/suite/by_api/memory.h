#pragma once
// The benchmarks allocate by ralloc's own functions, which are told each block's size.
//
// Thread safety: as theirs.
#include <cstddef>
#include <cstring>

#include "ralloc/functions.h"

namespace ralloc::bench {

struct Memory {
  static constexpr bool kIsTimed = false;

  static void* allocate(std::size_t size) { return ralloc::alloc(size); }
  static void* allocate_zeroed(std::size_t size) { return std::memset(allocate(size), 0, size); }
  static void* allocate_aligned(std::size_t size, std::size_t align) {
    return ralloc::alloc(size, align);
  }
  static void* reallocate(void* block, std::size_t old_size, std::size_t new_size) {
    return ralloc::realloc(block, old_size, new_size);
  }
  static void deallocate(void* block, std::size_t size) { ralloc::free(block, size); }
};

}  // namespace ralloc::bench
