// As the standard has it: who links these operators has the C++ run-time library, too, and its
// archive gives what is named here.
//
// Thread safety: as alloc/failed_new.h.
#include "alloc/failed_new.h"

#include "alloc/new_handling.h"

namespace ralloc {

void* failed_new(std::size_t size, std::size_t align, NewCall) {
  return new_or_throw(size, align, std::get_new_handler);
}

void* failed_new_nothrow(std::size_t size, std::size_t align, NewCall) noexcept {
  return new_or_null(size, align, std::get_new_handler);
}

}  // namespace ralloc
