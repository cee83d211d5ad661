#pragma once
// The benchmarks of the suite: each file of them adds its own to one list.
//
// A case is what Google Benchmark runs on several threads at once. It counts as an item what it
// allocates and frees again, unless its description says otherwise.
//
// Thread safety: the list is made before main and constant afterwards.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <initializer_list>
#include <string>
#include <vector>

// Defines `Memory`: how this program of the suite allocates (CMakeLists.txt).
#include RALLOC_SUITE_MEMORY

namespace ralloc::bench {

using benchmark::State;

struct Case {
  std::string name;  // group/what
  std::string about;
  void (*run)(State&, std::size_t);
  std::size_t argument = 0;
  unsigned least_threads = 1;
  bool holds_memory = false;  // so that its memory at the peak and after a rest tells something
};

std::vector<Case>& all_cases();

struct AddCases {
  AddCases(std::initializer_list<Case> cases) {
    all_cases().insert(all_cases().end(), cases.begin(), cases.end());
  }
};

// What every program does with a block: it writes there.
inline void* touch(void* block) {
  *static_cast<volatile unsigned char*>(block) = 1;
  return block;
}

// A block that knows its size, for whoever frees it: of 16 bytes at least.
inline void* allocate_labelled(std::size_t size) {
  if (size < 16) size = 16;
  void* const block = Memory::allocate(size);
  *static_cast<volatile std::size_t*>(block) = size;
  return block;
}
inline void deallocate_labelled(void* block) {
  Memory::deallocate(block, *static_cast<std::size_t*>(block));
}

}  // namespace ralloc::bench
