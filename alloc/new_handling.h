// What the two files of alloc/failed_new.h share.
//
// Thread safety: as there.
#pragma once

#include <cstddef>
#include <new>

#include "alloc/allocator.h"

namespace ralloc {

// Asks the handler that `current` names for memory until there is some; null if there is no
// handler any more. What it throws passes.
template <class Current>
void* allocate_by_handler(std::size_t size, std::size_t align, Current current) {
  while (const std::new_handler handler = current()) {
    handler();
    if (void* const block = allocate_aligned(size, align)) return block;
  }
  return nullptr;
}

template <class Allocate>
void* null_if_it_throws(Allocate allocate) noexcept {
  try {
    return allocate();
  } catch (...) {
    return nullptr;
  }
}

}  // namespace ralloc
