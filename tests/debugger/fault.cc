// Does one thing wrong, in a function whose name says what: fault NAME SIZE.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/debugger/fault.h"

namespace ralloc_test {

volatile char sink;

}  // namespace ralloc_test

using namespace ralloc_test;

// By their names in the table; not inlined, so that reports name them.
#define FAULT(name) extern "C" [[gnu::noinline]] void name([[maybe_unused]] std::size_t size)

FAULT(leak) {
  char* block = obtain(size);
  block[0] = 1;
  sink = block[0];
}
// As names of templates are, and longer than a line of the list.
#define CHARACTERS_100 \
  "12345678901234567890123456789012345678901234567890" \
  "12345678901234567890123456789012345678901234567890"
extern "C" void leak_by_a_long_name(std::size_t size) __asm__(
    "leak_by_a_long_name" CHARACTERS_100 CHARACTERS_100 CHARACTERS_100 CHARACTERS_100);
FAULT(leak_by_a_long_name) { obtain(size)[0] = 1; }
FAULT(lost_list) {
  // The second is known to the first alone, and the first to nobody.
  char* first = obtain(size);
  char* second = obtain(size);
  std::memset(second, 0, size);
  std::memcpy(first, &second, sizeof second);
}
FAULT(uninitialised) {
  char* block = obtain(size);
  if (block[size / 2] == 1) sink = 1;
  give_back(block, size);
}
FAULT(uninitialised_after_resize) {
  char* block = obtain(size);
  std::memset(block, 1, size);
  block = resize(block, size, 2 * size);
  if (block[size - 1] != 1) std::abort();
  if (block[size + 5] == 1) sink = 1;
  give_back(block, 2 * size);
}
FAULT(use_after_free) {
  char* block = obtain(size);
  block[3] = 1;
  give_back(block, size);
  // Others come and go, and the block is not used for them.
  for (int i = 0; i < 20; ++i) give_back(obtain(size), size);
  sink = block[3];
}
FAULT(use_after_move) {
  char* block = obtain(size);
  block[0] = 1;
  char* behind = obtain(size);  // so that it cannot grow in place
  char* moved = resize(block, size, 100 * size);
  sink = block[0];
  give_back(moved, 100 * size);
  give_back(behind, size);
}
FAULT(double_free) {
  char* block = obtain(size);
  give_back(block, size);
  give_back(obtain(size), size);
  give_back(block, size);
}
FAULT(overrun_by_1) {
  char* block = obtain(size);
  block[size] = 1;
  give_back(block, size);
}
FAULT(overrun_by_8) {
  char* block = obtain(size);
  sink = block[size + 7];
  give_back(block, size);
}
FAULT(underrun) {
  // The memory of the first block has perhaps nothing before it.
  char* before = obtain(size);
  char* block = obtain(size);
  block[-1] = 1;
  give_back(block, size);
  give_back(before, size);
}
FAULT(overrun_of_zeros) {
  char* block = obtain_zeros(size);
  sink = block[size - 1];
  sink = block[size];
  give_back(block, size);
}
FAULT(beyond_shrunk) {
  char* block = obtain(size);
  std::memset(block, 1, size);
  block = resize(block, size, size - size / 4);
  sink = block[size - size / 4];
  give_back(block, size - size / 4);
}
FAULT(in_alignment_slack) {
  char* block = obtain_aligned(size + 1, 64);
  sink = block[size + 1];
  give_back(block, size + 1);
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::size_t size = std::strtoul(argv[2], nullptr, 10);
#define CASE(name) \
  if (std::strcmp(argv[1], #name) == 0) return name(size), clean_stack(), 0
  CASE(leak);
  CASE(leak_by_a_long_name);
  CASE(lost_list);
  CASE(uninitialised);
  CASE(uninitialised_after_resize);
  CASE(use_after_free);
  CASE(use_after_move);
  CASE(double_free);
  CASE(overrun_by_1);
  CASE(overrun_by_8);
  CASE(underrun);
  CASE(overrun_of_zeros);
  CASE(beyond_shrunk);
  CASE(in_alignment_slack);
  if (cause_more(argv[1], size)) return clean_stack(), 0;
  std::fprintf(stderr, "no fault %s\n", argv[1]);
  return 2;
}
