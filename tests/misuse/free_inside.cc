// Frees a pointer into a block, then makes the thread give back all that it freed.
// Usage: free_inside WAY OFFSET SIZE
#include "calls.h"

namespace {

std::size_t offset, size;
char* block;

void free_inside() { put(suspect(block + offset), size); }

void here() {
  Many many(size);
  block = static_cast<char*>(get(size));
  free_inside();
  still_alive();
  many.free();
}

void there() {
  block = static_cast<char*>(get(size));
  in_thread(free_inside);
  still_alive();
}

}  // namespace

int main(int argc, char** argv) {
  offset = size_argument(argc, argv, 2);
  size = size_argument(argc, argv, 3);
  return run_way({{"here", here}, {"there", there}}, argc, argv);
}
