// Writes beyond a block, each byte to something else than it was. Usage: overflow WAY BYTES SIZE
//
// Of two blocks that lie behind each other, the end of the first is before the begin of the
// second: both overflow and underflow by a few bytes hit what lies behind the end of the first.
#include <algorithm>
#include <iterator>

#include "calls.h"

namespace {

std::size_t bytes, size;
char* block;

void write_up(char* to) {
  for (std::size_t i = 0; i < bytes; ++i) change(to + i);
}
void write_down(char* to) {
  for (std::size_t i = 1; i <= bytes; ++i) change(to - i);
}
void free_it() { put(block, size); }

void behind() {
  block = static_cast<char*>(suspect(get(size)));
  write_up(block + size);
  free_it();
  still_alive();
}

void behind_there() {
  block = static_cast<char*>(suspect(get(size)));
  write_up(block + size);
  in_thread(free_it);
  still_alive();
}

void write_behind() { write_up(block + size); }

void written_there() {
  block = static_cast<char*>(suspect(get(size)));
  in_thread(write_behind);
  free_it();
  still_alive();
}

// Before a block that has a live neighbour before it, which is the one to be named.
void before() {
  // So many that some lie behind each other in any order. Each large one has pages of its own.
  static char* blocks[4096];
  const std::size_t count = size > 32768 ? 256 : std::size(blocks);
  for (std::size_t i = 0; i < count; ++i) blocks[i] = static_cast<char*>(get(size));
  std::sort(blocks, blocks + count);
  std::size_t nearest = 1;
  for (std::size_t i = 2; i < count; ++i) {
    if (blocks[i] - blocks[i - 1] < blocks[nearest] - blocks[nearest - 1]) nearest = i;
  }
  block = static_cast<char*>(suspect(blocks[nearest - 1]));
  write_down(blocks[nearest]);
  free_it();
  still_alive();
}

void far_before() {
  block = static_cast<char*>(suspect(get(size)));
  write_down(block);
  still_alive();
}

void far_behind() {
  block = static_cast<char*>(suspect(get(size)));
  write_up(block + size);
  still_alive();
}

}  // namespace

int main(int argc, char** argv) {
  bytes = size_argument(argc, argv, 2);
  size = size_argument(argc, argv, 3);
  return run_way({{"behind", behind},
                  {"behind_there", behind_there},
                  {"written_there", written_there},
                  {"before", before},
                  {"far_before", far_before},
                  {"far_behind", far_behind}},
                 argc, argv);
}
