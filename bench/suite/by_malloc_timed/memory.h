#pragma once
// The benchmarks allocate by malloc, and each call is timed.
//
// Thread safety: each thread records for itself; see latencies.h.
#include <cstddef>

#include "bench/suite/latencies.h"
#include "bench/suite/malloc_memory.h"

namespace ralloc::bench {

struct Memory {
  static constexpr bool kIsTimed = true;

  static void* allocate(std::size_t size) {
    return timed([=] { return MallocMemory::allocate(size); });
  }
  static void* allocate_zeroed(std::size_t size) {
    return timed([=] { return MallocMemory::allocate_zeroed(size); });
  }
  static void* allocate_aligned(std::size_t size, std::size_t align) {
    return timed([=] { return MallocMemory::allocate_aligned(size, align); });
  }
  static void* reallocate(void* block, std::size_t old_size, std::size_t new_size) {
    return timed([=] { return MallocMemory::reallocate(block, old_size, new_size); });
  }
  static void deallocate(void* block, std::size_t size) {
    timed([=] {
      MallocMemory::deallocate(block, size);
      return block;
    });
  }
};

}  // namespace ralloc::bench
