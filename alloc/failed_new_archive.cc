// As the standard has it: who links these operators has the C++ run-time library, too, and its
// archive gives what is named here.
//
// Thread safety: as alloc/failed_new.h.
#include "alloc/failed_new.h"

#include "alloc/new_handling.h"
#include "alloc/watch.h"

namespace ralloc {

void* failed_new(std::size_t size, std::size_t align, NewCall) {
  void* const block = allocate_by_handler(size, align, std::get_new_handler);
  if (block == nullptr) throw std::bad_alloc();
  return watch_allocated("new", block, size, align);
}

void* failed_new_nothrow(std::size_t size, std::size_t align, NewCall) noexcept {
  void* const block =
      null_if_it_throws([=] { return allocate_by_handler(size, align, std::get_new_handler); });
  return watch_allocated("new", block, size, align);
}

}  // namespace ralloc
