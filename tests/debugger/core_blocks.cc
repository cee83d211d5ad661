// Blocks of the C++ API.
#include <ralloc/ralloc.h>

#include <cstring>

#include "tests/debugger/blocks.h"

namespace ralloc_test {

char* obtain(std::size_t size) { return static_cast<char*>(ralloc::alloc(size)); }
char* obtain_aligned(std::size_t size, std::size_t align) {
  return static_cast<char*>(ralloc::alloc(size, align));
}
char* obtain_zeros(std::size_t size) {
  return static_cast<char*>(std::memset(ralloc::alloc(size), 0, size));
}
char* resize(char* block, std::size_t old_size, std::size_t size) {
  return static_cast<char*>(ralloc::realloc(block, old_size, size));
}
void give_back(char* block, std::size_t size) { ralloc::free(block, size); }

}  // namespace ralloc_test
