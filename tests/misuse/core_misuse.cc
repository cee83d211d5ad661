// Misuse of the C++ API, in a program that keeps its malloc. Usage: core_misuse WHAT SIZE
#include <ralloc/ralloc.h>

#include <string_view>
#include <thread>

#include "misuse.h"

int main(int argc, char** argv) {
  const std::size_t size = size_argument(argc, argv, 2);
  const std::string_view what = argv[1];
  if (what == "foreign") {
    char bytes[64];
    ralloc::free(suspect(bytes), size);
  } else if (what == "of_malloc") {
    ralloc::free(suspect(malloc(size)), size);
  } else if (what == "twice") {
    void* block = suspect(ralloc::alloc(size));
    ralloc::free(block, size);
    ralloc::free(block, size);
  } else if (what == "oversize") {
    ralloc::free(suspect(ralloc::alloc(size)), 2 * size + 65536);
  } else if (what == "realloc_foreign") {
    char bytes[64];
    (void)hidden(ralloc::realloc(suspect(bytes), 64, size));
  } else if (what == "realloc_freed") {
    void* const block = suspect(ralloc::alloc(size));
    ralloc::free(block, size);
    (void)hidden(ralloc::realloc(hidden(block), size, 2 * size));
  } else if (what == "realloc_oversize") {
    void* block = suspect(ralloc::alloc(size));
    (void)hidden(ralloc::realloc(block, 2 * size + 65536, 10));
  } else if (what == "part_twice") {
    char* part = static_cast<char*>(ralloc::alloc(size)) + size / 4;
    ralloc::free(part, size / 2);
    ralloc::free(suspect(part + size / 4), size / 2);
  } else if (what == "part_over_the_end") {
    char* block = static_cast<char*>(ralloc::alloc(size));
    ralloc::free(suspect(block + size / 2), size - size / 2 + 1);
  } else if (what == "part_realloc") {
    char* part = static_cast<char*>(ralloc::alloc(size)) + size / 4;
    ralloc::free(part, size / 2);
    (void)hidden(ralloc::realloc(suspect(part + 1), size / 4, size));
  } else if (what == "whole_after_part") {
    // Noticed when the block goes home, at the latest.
    std::thread([&] {
      void* block = suspect(ralloc::alloc(size));
      ralloc::free(static_cast<char*>(block) + size / 2, size / 4);
      ralloc::free(block, size);
    }).join();
  } else if (what == "no_alignment") {
    suspect(argv);
    (void)hidden(ralloc::alloc(size, size_t(argc - 3)));
  } else {
    return 2;
  }
  still_alive();
  return 0;
}
