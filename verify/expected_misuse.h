// Lets a model misuse the allocator, and go on after the report that would end the program.
//
// Thread safety: a model's threads are fibers of one thread; each expects for itself.
#pragma once

#include <csetjmp>

#include "shim/fatal.h"
#include "verify/relacy_sync.h"

namespace ralloc_verify {

// What a thread of the model does now is misuse of this pointer.
struct ExpectedMisuse {
  ralloc::Misuse misuse{};
  const void* pointer = nullptr;
  std::jmp_buf* way_out = nullptr;
};
inline ExpectedMisuse expected_misuse[Execution::kThreads];

// From die_of_misuse: does not return if the thread expects this.
inline void leave_if_expected(ralloc::Misuse misuse, const void* pointer) {
  if (Execution::locks[this_thread()] != 0) {
    report("misuse is reported under a lock (I5)", rl::test_result_user_assert_failed,
           Place::here());
  }
  ExpectedMisuse& expected = expected_misuse[this_thread()];
  std::jmp_buf* const way_out = expected.way_out;
  if (way_out == nullptr || expected.misuse != misuse || expected.pointer != pointer) return;
  expected.way_out = nullptr;
  std::longjmp(*way_out, 1);
}

// Does `work`, which must be reported as misuse of `pointer`. The jump back passes no object
// that has anything to do at its end: the report is made with no lock held.
template <class Work>
[[gnu::noinline]] void expect_misuse(ralloc::Misuse misuse, const void* pointer, const Work& work,
                                     Place place = Place::here()) {
  std::jmp_buf way_out;
  expected_misuse[this_thread()] = {misuse, pointer, &way_out};
  if (setjmp(way_out) != 0) return;
  work();
  report("misuse is not noticed", rl::test_result_user_assert_failed, place);
}

}  // namespace ralloc_verify
