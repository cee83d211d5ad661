#include "calls.h"

void* get(std::size_t size) { return malloc(size); }
void put(void* block, std::size_t) { free(block); }
void* resize(void* block, std::size_t, std::size_t size) { return realloc(block, size); }
void trim() { malloc_trim(0); }
