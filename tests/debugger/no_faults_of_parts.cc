// The malloc ABI has no parts.
#include "tests/debugger/fault.h"

namespace ralloc_test {

bool cause_more(const char*, std::size_t) { return false; }

}  // namespace ralloc_test
