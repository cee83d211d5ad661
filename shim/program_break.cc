#include "shim/program_break.h"

#include "shim/os.h"
#include "shim/sync.h"

namespace ralloc {
namespace {

constinit StdSync::Mutex break_mutex;

}  // namespace

std::uintptr_t move_break(std::ptrdiff_t bytes) noexcept {
  StdSync::Guard guard(break_mutex);
  (void)guard.holder_died();  // nothing to mend: the platform is asked where the break is
  const std::uintptr_t from = os::program_break();
  std::uintptr_t to;
  if (from == 0 || __builtin_add_overflow(from, bytes, &to)) return 0;
  return os::move_break_to(from, to) ? from : 0;
}

bool set_break(std::uintptr_t address) noexcept {
  StdSync::Guard guard(break_mutex);
  (void)guard.holder_died();  // as above
  const std::uintptr_t from = os::program_break();
  // (Below its begin the break does not move, and glibc's brk calls that a success: brk(0) is one.)
  return from != 0 && (os::move_break_to(from, address) || os::program_break() >= address);
}

}  // namespace ralloc
