// The C functions that move the program break, for all of a process that has the drop-in:
// libc's own take no lock. libc's malloc, which would not come by here, is replaced with them.
//
// Thread safety: any thread.
#include <errno.h>

#include <cstddef>
#include <cstdint>

#include "ralloc/program_break.h"
#include "shim/log.h"
#include "shim/program_break.h"

#define EXPORT extern "C" [[gnu::visibility("default")]]

EXPORT void* sbrk(std::intptr_t bytes) noexcept { return ralloc::sbrk(bytes); }

EXPORT int brk(void* address) noexcept {
  ralloc::log_call("brk(%)", address);
  if (ralloc::set_break(std::uintptr_t(address))) return 0;
  errno = ENOMEM;
  return -1;
}
