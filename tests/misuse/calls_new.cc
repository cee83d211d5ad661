#include <new>

#include "calls.h"

void* get(std::size_t size) { return operator new(size); }
void put(void* block, std::size_t size) { operator delete(block, size); }
void trim() { malloc_trim(0); }
