// A program in small: blocks of every kind, growing blocks, threads that come and go, memory
// that goes back to the system. The same calls in the same order each time.
//
// Thread safety: run_workload by one thread at a time; run_workload_in_threads starts its own.
#pragma once

#include <cstddef>

namespace ralloc_test {

// Returns how many calls were refused. All blocks are freed; no memory goes back by itself.
std::size_t run_workload();

// Many threads at once.
std::size_t run_workload_in_threads();

}  // namespace ralloc_test
