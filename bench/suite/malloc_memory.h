#pragma once
// The calls of malloc, as the benchmarks name them.
//
// Thread safety: as malloc's.
#include <cstddef>
#include <cstdlib>

namespace ralloc::bench {

struct MallocMemory {
  static constexpr bool kIsTimed = false;

  static void* allocate(std::size_t size) { return std::malloc(size); }
  static void* allocate_zeroed(std::size_t size) { return std::calloc(1, size); }
  // `size` is a multiple of `align`, which is a power of two.
  static void* allocate_aligned(std::size_t size, std::size_t align) {
    return std::aligned_alloc(align, size);
  }
  static void* reallocate(void* block, std::size_t, std::size_t new_size) {
    return std::realloc(block, new_size);
  }
  static void deallocate(void* block, std::size_t) { std::free(block); }
};

}  // namespace ralloc::bench
