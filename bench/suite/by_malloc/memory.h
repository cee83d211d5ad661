#pragma once
// The benchmarks allocate by malloc, which is whichever library is preloaded.
//
// Thread safety: as malloc's.
#include "bench/suite/malloc_memory.h"

namespace ralloc::bench {

using Memory = MallocMemory;

}  // namespace ralloc::bench
