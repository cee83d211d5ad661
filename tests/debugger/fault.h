// What the two files of faults share.
//
// Thread safety: one thread.
#pragma once

#include <cstring>

#include "tests/debugger/blocks.h"

namespace ralloc_test {

// Reads must not be optimised away.
extern volatile char sink;

// Faults of the C++ API alone; false if the name is of none.
bool cause_more(const char* name, std::size_t size);

// What a function left on the stack would seem to be used by memcheck's search for leaks.
[[gnu::noinline]] inline void clean_stack() {
  volatile char bytes[8192];
  for (volatile char& byte : bytes) byte = 0;
}

}  // namespace ralloc_test
