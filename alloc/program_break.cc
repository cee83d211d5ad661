#include "ralloc/program_break.h"

#include <errno.h>

#include <cstdint>

#include "shim/log.h"
#include "shim/program_break.h"

namespace ralloc {

void* sbrk(std::ptrdiff_t n) noexcept {
  const std::uintptr_t before = move_break(n);
  log_call("sbrk(%) = %", n, reinterpret_cast<const void*>(before));
  if (before != 0) return reinterpret_cast<void*>(before);
  errno = ENOMEM;
  return reinterpret_cast<void*>(-1);
}

}  // namespace ralloc
