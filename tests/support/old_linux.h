// Linux before 6.17: of a range that lies in more than one of the kernel's mappings nothing can
// be moved, and that is noticed only after the target of MREMAP_FIXED has been unmapped.
//
// Thread safety: as platform.h.
#pragma once

#include <stdio.h>

#include <cstdint>

#include "shim/linux.h"

namespace ralloc::os {

struct OldCalls : KernelCalls {
  static void* mremap(void* from, std::size_t bytes, std::size_t to_bytes, int flags,
                      void* to) noexcept {
    const auto begin = reinterpret_cast<std::uintptr_t>(from);
    const auto target = reinterpret_cast<std::uintptr_t>(to);
    if ((flags & MREMAP_FIXED) != 0) {
      const bool overlap = begin < target + to_bytes && target < begin + bytes;
      if (target % getauxval(AT_PAGESZ) != 0 || overlap) return nullptr;
      munmap(to, to_bytes);
    }
    if (!is_one_mapping(begin, begin + bytes)) return nullptr;
    return KernelCalls::mremap(from, bytes, to_bytes, flags, to);
  }

 private:
  // Whether one mapping holds all of it.
  static bool is_one_mapping(std::uintptr_t begin, std::uintptr_t end) {
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
};

using OldLinux = LinuxOn<OldCalls>;

}  // namespace ralloc::os
