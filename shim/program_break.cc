#include "shim/program_break.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "shim/sync.h"

// libc's own sbrk under its second name: the first one may be the drop-in's.
extern "C" void* __sbrk(std::intptr_t bytes) noexcept;

namespace ralloc {
namespace {

constinit StdSync::Mutex break_mutex;

std::uintptr_t break_of_kernel() { return std::uintptr_t(syscall(SYS_brk, nullptr)); }
std::uintptr_t break_of_libc() { return std::uintptr_t(__sbrk(0)); }

// `from` is where the kernel has it.
bool move_to(std::uintptr_t to, std::uintptr_t from) REQUIRES(break_mutex) {
  if (const std::uintptr_t libc = break_of_libc(); libc != from) {
    // The break does not move: libc is told where it is.
    __sbrk(std::intptr_t(from - libc));
  }
  if (__sbrk(std::intptr_t(to - from)) == reinterpret_cast<void*>(-1)) return false;
  // The kernel moves it to no place before its start, and libc takes that for success.
  return break_of_libc() == to;
}

}  // namespace

std::uintptr_t move_break(std::ptrdiff_t bytes) noexcept {
  StdSync::Guard guard(break_mutex);
  (void)guard.holder_died();  // nothing to mend: where the break is, the kernel is asked
  const std::uintptr_t from = break_of_kernel();
  std::uintptr_t to;
  if (__builtin_add_overflow(from, bytes, &to)) return 0;
  return move_to(to, from) ? from : 0;
}

bool set_break(std::uintptr_t address) noexcept {
  StdSync::Guard guard(break_mutex);
  (void)guard.holder_died();  // as above
  return move_to(address, break_of_kernel());
}

}  // namespace ralloc
