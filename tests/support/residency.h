// Which memory has backing.
//
// Thread safety: any thread.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <vector>

namespace ralloc_test {

// Bytes of the pages of [begin, begin + size) that are in memory; `begin` is at a page.
inline std::size_t resident_bytes_of(void* begin, std::size_t size) {
  const std::size_t page = std::size_t(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages((size + page - 1) / page);
  if (mincore(begin, size, pages.data()) != 0) return 0;
  std::size_t resident = 0;
  for (const unsigned char one : pages) resident += (one & 1) * page;
  return resident;
}

}  // namespace ralloc_test
