// Where the registers and instructions of waits.cc have other names: nothing is counted.
#include <sched.h>

#include <cerrno>

#include "bench/suite/waits.h"

namespace ralloc::bench {

bool count_waits() {
  errno = ENOSYS;
  return false;
}
Waits waits_in_loops() { return {}; }
void stand_outside_of_loop() {}
void enter_loop() {}
void leave_loop() {}
void yield_of_the_case() { sched_yield(); }

}  // namespace ralloc::bench
