#include "ralloc/program_break.h"

#include <errno.h>

#include <cstdint>

#include "shim/program_break.h"

namespace ralloc {

void* sbrk(std::ptrdiff_t n) noexcept {
  if (const std::uintptr_t before = move_break(n)) return reinterpret_cast<void*>(before);
  errno = ENOMEM;
  return reinterpret_cast<void*>(-1);
}

}  // namespace ralloc
