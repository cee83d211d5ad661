// Linked with the C++ API alone: malloc and operator new stay what they were.
#include <ralloc/ralloc.h>

#include <cstdint>
#include <cstring>

#include "origin.h"

int main(int, char** argv) {
  for (const std::string& origin : {origin_of_malloc(), origin_of_new()}) {
    if (origin.find("ralloc") != std::string::npos || ends_with_program(origin, argv[0])) {
      std::fprintf(stderr, "ralloc overrides %s\n", origin.c_str());
      return 1;
    }
  }
  void* block = ralloc::alloc(100, 64);
  if (reinterpret_cast<std::uintptr_t>(block) % 64 != 0) return 1;
  std::memset(block, 1, 100);
  block = ralloc::realloc(block, 100, 100000);
  if (static_cast<char*>(block)[99] != 1) return 1;
  ralloc::free(block, 100000);
  return ralloc::try_alloc(SIZE_MAX) == nullptr ? 0 : 1;
}
