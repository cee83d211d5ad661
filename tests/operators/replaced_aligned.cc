// The program's own aligned operator new and delete.
#include "operators/replaced.h"

using ralloc_test::Base;

void* operator new(std::size_t n, std::align_val_t) { return ralloc_test::allocate_behind_header(Base::kAligned, n); }
void operator delete(void* p, std::align_val_t) noexcept { ralloc_test::free_behind_header(Base::kAligned, p); }
