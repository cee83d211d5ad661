// The C++ API.
#include <ralloc/ralloc.h>

#include <cstring>

#include "alloc/allocator.h"
#include "faults/failable.h"

namespace ralloc_test {

constinit const bool serves_the_process = false;

void* try_allocate(std::size_t size, std::size_t align, unsigned) {
  return ralloc::try_alloc(size, align);
}
void* try_allocate_zeroed(std::size_t size) {
  void* block = ralloc::try_alloc(size);
  return block != nullptr ? std::memset(block, 0, size) : nullptr;
}
void* try_resize(void* block, std::size_t old_size, std::size_t size) {
  return ralloc::try_realloc(block, old_size, size);
}
void give_back(void* block, std::size_t size) { ralloc::free(block, size); }
void trim_all() { (void)ralloc::trim(); }

}  // namespace ralloc_test
