// Blocks of the malloc ABI.
#include <cstdlib>

#include "tests/debugger/blocks.h"

namespace ralloc_test {

char* obtain(std::size_t size) { return static_cast<char*>(std::malloc(size)); }
char* obtain_aligned(std::size_t size, std::size_t align) {
  void* block = nullptr;
  return posix_memalign(&block, align, size) == 0 ? static_cast<char*>(block) : nullptr;
}
char* obtain_zeros(std::size_t size) { return static_cast<char*>(std::calloc(size, 1)); }
char* resize(char* block, std::size_t, std::size_t size) {
  return static_cast<char*>(std::realloc(block, size));
}
void give_back(char* block, std::size_t) { std::free(block); }

}  // namespace ralloc_test
