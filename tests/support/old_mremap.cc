// mremap as kernels before 6.17 have it: of a range that lies in more than one of the
// kernel's mappings nothing can be moved, and that is noticed only after the target of
// MREMAP_FIXED has been unmapped. Linked into a test, it takes the C library's place.
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdint>

namespace {

// Whether one mapping holds all of it.
bool is_one_mapping(std::uintptr_t begin, std::uintptr_t end) {
  FILE* maps = fopen("/proc/self/maps", "r");
  if (maps == nullptr) return false;
  bool found = false;
  char line[512];
  while (!found && fgets(line, sizeof line, maps) != nullptr) {
    unsigned long first = 0;
    unsigned long last = 0;
    if (sscanf(line, "%lx-%lx", &first, &last) == 2) found = first <= begin && end <= last;
  }
  fclose(maps);
  return found;
}

}  // namespace

extern "C" void* mremap(void* from, size_t old_size, size_t new_size, int flags, ...) noexcept {
  va_list arguments;
  va_start(arguments, flags);
  void* to = (flags & MREMAP_FIXED) != 0 ? va_arg(arguments, void*) : nullptr;
  va_end(arguments);
  const auto begin = reinterpret_cast<std::uintptr_t>(from);
  const std::uintptr_t target = reinterpret_cast<std::uintptr_t>(to);
  if ((flags & MREMAP_FIXED) != 0) {
    const std::uintptr_t page = std::uintptr_t(sysconf(_SC_PAGESIZE));
    const bool overlap = begin < target + new_size && target < begin + old_size;
    if (target % page != 0 || overlap) {
      errno = EINVAL;
      return MAP_FAILED;
    }
    munmap(to, new_size);
  }
  if (!is_one_mapping(begin, begin + old_size)) {
    errno = EFAULT;
    return MAP_FAILED;
  }
  return reinterpret_cast<void*>(syscall(SYS_mremap, from, old_size, new_size, flags, to));
}
