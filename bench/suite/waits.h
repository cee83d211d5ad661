#pragma once
// How often threads wait for each other in their timed loops, told by the system calls by which they
// do: whichever mutex an allocator has, its waiters end in futex, or in sched_yield and naps.
//
// Where waits are counted, the kernel hands these calls (a seccomp filter) to a signal handler of
// this program, which makes them in place of who called, and counts. All others run untouched, those
// that wake a waiter too. What is counted:
//   - between the begin and the end of a thread's timed loop, so not the barriers there; and of
//     threads that are started in one, all;
//   - only futexes that are private to the process, as mutexes are. The end of a thread, which the
//     kernel announces to all processes, and the initialisation of a static variable are not;
//   - not how a case itself waits, which is `yield_of_the_case`.
// It takes 3.5 us of each such call. A thread that blocks SIGSYS must not wait: the kernel would end the
// program.
//
// Thread safety: any thread; `count_waits` before threads are started.
#include <cstdint>

namespace ralloc::bench {

struct Waits {
  std::uint64_t at_mutexes;  // each time that a thread asked to sleep
  std::uint64_t slept;       // of these: the mutex was not free again when the kernel looked
  std::uint64_t yields;      // or naps
};

// From now on they are counted. False, with errno, where the kernel does not allow it.
bool count_waits();
// Of all loops until now.
Waits waits_in_loops();

// This thread has a timed loop, and is now outside of it; enters it; leaves it.
void stand_outside_of_loop();
void enter_loop();
void leave_loop();

// How a case waits for another thread of its own.
void yield_of_the_case();

}  // namespace ralloc::bench
