// Writes one byte of a freed block, then frees and allocates until that must have been seen.
// Usage: write_after_free WAY WHERE SIZE
#include "calls.h"

namespace {

std::size_t size;
const char* where;
char* block;

void write_freed() {
  const bool is_first = std::strcmp(where, "first") == 0;
  change(block + (is_first ? 0 : std::strcmp(where, "middle") == 0 ? size / 2 : size - 1));
}
void free_it() { put(block, size); }

// All that is free is pushed out of where it waits, and handed out again.
void then_reuse() {
  Many many(size);
  block = static_cast<char*>(suspect(get(size)));
  free_it();
  write_freed();
  still_alive();
  for (int round = 0; round < 4; ++round) {
    many.free();
    many.get_again();
  }
}

void then_flush() {
  Many many(size);
  block = static_cast<char*>(suspect(get(size)));
  free_it();
  write_freed();
  still_alive();
  many.free();
  trim();
}

void freed_there() {
  Many many(size);
  block = static_cast<char*>(suspect(get(size)));
  in_thread(free_it);
  write_freed();
  still_alive();
  for (int round = 0; round < 4; ++round) {
    many.free();
    many.get_again();
  }
}

void written_there() {
  Many many(size);
  block = static_cast<char*>(suspect(get(size)));
  free_it();
  in_thread(write_freed);
  still_alive();
  for (int round = 0; round < 4; ++round) {
    many.free();
    many.get_again();
  }
}

}  // namespace

int main(int argc, char** argv) {
  size = size_argument(argc, argv, 3);
  where = argv[2];
  return run_way({{"then_reuse", then_reuse},
                  {"then_flush", then_flush},
                  {"freed_there", freed_there},
                  {"written_there", written_there}},
                 argc, argv);
}
