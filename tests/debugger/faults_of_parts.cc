// What can be done wrong with parts of blocks.
#include <ralloc/ralloc.h>

#include <cstdlib>

#include "tests/debugger/fault.h"

using namespace ralloc_test;

#define FAULT(name) extern "C" [[gnu::noinline]] void name([[maybe_unused]] std::size_t size)

FAULT(read_of_freed_part) {
  char* block = obtain(size);
  std::memset(block, 1, size);
  const std::size_t third = size / 3;
  ralloc::free(block + third, third);
  sink = block[0];
  sink = block[2 * third];
  sink = block[2 * third - 10];
  ralloc::free(block, third);
  ralloc::free(block + 2 * third, size - 2 * third);
}
FAULT(read_of_freed_begin) {
  char* block = obtain(size);
  std::memset(block, 1, size);
  ralloc::free(block, size / 2);
  sink = block[size - 1];
  sink = block[8];
  ralloc::free(block + size / 2, size - size / 2);
}
FAULT(uninitialised_part) {
  char* block = obtain(size);
  ralloc::free(block, size / 2);
  if (block[size - 1] == 1) sink = 1;
  ralloc::free(block + size / 2, size - size / 2);
}
// No fault: a block of malloc's is known to one of ours.
static char** keeper;
FAULT(known_to_a_block) {
  keeper = reinterpret_cast<char**>(obtain(size));
  *keeper = static_cast<char*>(std::malloc(50));
}
FAULT(leak_of_part) {
  char* block = obtain(size);
  std::memset(block, 1, size);
  ralloc::free(block + size / 2, size - size / 2);
}
FAULT(beyond_odd_alignment) {
  char* block = obtain_aligned(size, 48);
  std::memset(block, 1, size);
  sink = block[size];
  give_back(block, size);
}
FAULT(beyond_grown) {
  char* block = obtain(size);
  const std::size_t grown = ralloc::inplace_realloc_at_least(block, size, size, size + 4);
  std::memset(block, 1, grown);
  sink = block[grown];
  give_back(block, grown);
}
FAULT(part_freed_twice) {
  char* block = obtain(size);
  ralloc::free(block + size / 2, size / 4);
  ralloc::free(block + size / 2, size / 4);
}

namespace ralloc_test {

bool cause_more(const char* name, std::size_t size) {
#define CASE(fault) \
  if (std::strcmp(name, #fault) == 0) return fault(size), true
  CASE(read_of_freed_part);
  CASE(read_of_freed_begin);
  CASE(uninitialised_part);
  CASE(known_to_a_block);
  CASE(leak_of_part);
  CASE(beyond_odd_alignment);
  CASE(beyond_grown);
  CASE(part_freed_twice);
  return false;
}

}  // namespace ralloc_test
