// The interface under test, as calls that may fail: each gives null if there is no memory,
// and checks that failure is told the way the interface tells it. Linked with each program of
// the test: core_failable.cc or abi_failable.cc.
//
// Thread safety: any thread.
#pragma once

#include <cstddef>

namespace ralloc_test {

// `turn` picks one of several calls that do the same.
void* try_allocate(std::size_t size, std::size_t align, unsigned turn);
void* try_allocate_zeroed(std::size_t size);
void* try_resize(void* block, std::size_t old_size, std::size_t size);
void give_back(void* block, std::size_t size);
void trim_all();

// Whether the C library, too, allocates from the subject.
extern const bool serves_the_process;

}  // namespace ralloc_test
