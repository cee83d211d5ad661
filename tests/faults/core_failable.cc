// The C++ API; where it does not give null but gives up, what it is made of.
#include <ralloc/ralloc.h>

#include "alloc/allocator.h"
#include "faults/failable.h"

namespace ralloc_test {

constinit const bool serves_the_process = false;

void* try_allocate(std::size_t size, std::size_t align, unsigned) {
  return ralloc::try_alloc(size, align);
}
void* try_allocate_zeroed(std::size_t size) { return ralloc::allocate_zeroed(size); }
void* try_resize(void* block, std::size_t size) {
  return ralloc::reallocate(block, size, ralloc::kDefaultAlignment);
}
void give_back(void* block, std::size_t size) { ralloc::free(block, size); }
void trim_all() { (void)ralloc::trim(); }

}  // namespace ralloc_test
