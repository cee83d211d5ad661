// Blocks by one of the two APIs, each in a library of its own, for the programs that misuse them.
//
// Thread safety: as those.
#pragma once

#include <cstddef>

namespace ralloc_test {

char* obtain(std::size_t size);
char* obtain_aligned(std::size_t size, std::size_t align);
char* obtain_zeros(std::size_t size);
char* resize(char* block, std::size_t old_size, std::size_t size);
void give_back(char* block, std::size_t size);

}  // namespace ralloc_test
