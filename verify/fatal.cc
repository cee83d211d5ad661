// In a model, what the product would die of ends the execution with a report.
#include "shim/fatal.h"

#include "verify/expected_misuse.h"

namespace ralloc {

using ralloc_verify::Place;
using ralloc_verify::report;

void die_of_misuse(Misuse misuse, const void* pointer) noexcept {
  ralloc_verify::leave_if_expected(misuse, pointer);
  report("misuse where there was none", rl::test_result_user_assert_failed, Place::here());
}
void die_of_exhaustion(std::size_t) noexcept {
  report("exhaustion", rl::test_result_user_assert_failed, Place::here());
}
void die_of_check(const char* expression, const char* file, int line) noexcept {
  report(expression, rl::test_result_user_assert_failed, Place{"", file, unsigned(line)});
}

}  // namespace ralloc
