// The program's own operator new and delete.
#include "operators/replaced.h"

using ralloc_test::Base;

void* operator new(std::size_t n) { return ralloc_test::allocate_behind_header(Base::kOne, n); }
void operator delete(void* p) noexcept { ralloc_test::free_behind_header(Base::kOne, p); }
