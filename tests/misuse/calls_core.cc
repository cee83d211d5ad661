#include <ralloc/ralloc.h>

#include "calls.h"

void* get(std::size_t size) { return ralloc::alloc(size); }
void put(void* block, std::size_t size) { ralloc::free(block, size); }
void* resize(void* block, std::size_t old_size, std::size_t size) {
  return ralloc::realloc(block, old_size, size);
}
// Only a thread's end does it here.
void trim() { exit(kNotThere); }
