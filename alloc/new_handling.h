// What the two files of alloc/failed_new.h share. A product has one of them, so functions may be
// defined here.
//
// Thread safety: as there.
#pragma once

#include <cstddef>
#include <new>

#include "alloc/allocator.h"
#include "alloc/failed_new.h"
#include "alloc/watch.h"

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

// What failed_new and failed_new_nothrow give, where exceptions can be thrown and caught.
template <class Current>
void* new_or_throw(std::size_t size, std::size_t align, Current current) {
  void* const block = allocate_by_handler(size, align, current);
  if (block == nullptr) throw std::bad_alloc();
  return watch_allocated("new", block, size, align);
}
template <class Current>
void* new_or_null(std::size_t size, std::size_t align, Current current) noexcept {
  void* const block = null_if_it_throws([=] { return allocate_by_handler(size, align, current); });
  return watch_allocated("new", block, size, align);
}

void* call_nothrow(std::size_t size, void* (*theirs)(std::size_t)) noexcept {
  return null_if_it_throws([=] { return theirs(size); });
}
void* call_nothrow(std::size_t size, std::align_val_t align,
                   void* (*theirs)(std::size_t, std::align_val_t)) noexcept {
  return null_if_it_throws([=] { return theirs(size, align); });
}

}  // namespace ralloc
