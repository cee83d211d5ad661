// Who watches the program's calls: hooks at every entry of the malloc ABI and of the C++ API, for
// the log build (a line for each call) and the debugger build (alloc/checked.h).
//
// In the plain build they are empty, and what they wrap is called directly: the golden listings
// show that they cost nothing.
//
// Thread safety: as the calls; no lock is held.
#pragma once

#include <cstddef>

#include "alloc/allocator.h"
#include "alloc/checked.h"
#include "alloc/sized.h"
#include "shim/config.h"
#include "shim/log.h"

namespace ralloc {

// --- The log's lines ---------------------------------------------------------------------------
// `call` is the entry, by its name. A failed call comes with null.

// Before the entry returns.
[[gnu::always_inline]] inline void note_allocated(const LoggedCall& call, const void* ptr,
                                                  std::size_t size, std::size_t align) {
  if (align == kGrain) {
    log_call(call, "%(%) = %", size, ptr);
  } else {
    log_call(call, "%(%, align %) = %", size, align, ptr);
  }
}
// Before anything is freed; the size as the program says it, kUnknownSize where it does not.
[[gnu::always_inline]] inline void note_freed(const LoggedCall& call, const void* ptr,
                                              std::size_t size) {
  if (size == kUnknownSize) {
    log_call(call, "%(%)", ptr);
  } else {
    log_call(call, "%(%, %)", ptr, size);
  }
}
// Before the entry returns: `to` is `from` where it was resized in place.
[[gnu::always_inline]] inline void note_resized(const LoggedCall& call, const void* from,
                                                std::size_t old_size, const void* to,
                                                std::size_t size) {
  if (old_size == kUnknownSize) {
    log_call(call, "%(%, %) = %", from, size, to);
  } else {
    log_call(call, "%(%, % to %) = %", from, old_size, size, to);
  }
}
// What only asks, with its argument; returns the result.
template <class Argument, class Result>
[[gnu::always_inline]] inline Result note_asked(const LoggedCall& call, const Argument& argument,
                                                const Result& result) {
  log_call(call, "%(%) = %", argument, result);
  return result;
}

// --- Allocation ----------------------------------------------------------------------------------
// Every block passes by here on its way to the program.
[[gnu::always_inline]] inline void* watch_allocated(const LoggedCall& call, void* ptr,
                                                    std::size_t size, std::size_t align,
                                                    bool is_zeroed = false) {
  if constexpr (kDebugger) checked_allocated(ptr, size, is_zeroed);
  note_allocated(call, ptr, size, align);
  return ptr;
}

// --- Freeing and resizing -------------------------------------------------------------------------
// The debugger build has its own of these, which call the others.

// All of a block, whose size is the allocator's to know; the security build checks what is said.
[[gnu::always_inline]] inline void watch_deallocate(const LoggedCall& call, void* ptr,
                                                    std::size_t size = kUnknownSize,
                                                    [[maybe_unused]] std::size_t align = 1) {
  note_freed(call, ptr, size);
  if constexpr (kDebugger) return checked_deallocate(ptr);
  if constexpr (kSecure) {
    const bool is_said = size != kUnknownSize || align != 1;
    return is_said ? secured_deallocate_said(ptr, size, align) : secured_deallocate(ptr);
  }
  deallocate(ptr);
}
// As free_sized_slow.
[[nodiscard]] inline bool watched_free(void* ptr, std::size_t size) noexcept {
  if constexpr (kDebugger) return checked_free(ptr, size);
  return free_sized_slow(ptr, size);
}
// As reallocate.
[[nodiscard]] inline void* watched_reallocate(void* ptr, std::size_t size,
                                              std::size_t align) noexcept {
  if constexpr (kDebugger) {
    return checked_reallocate(ptr, usable_size(ptr, Misuse::kForeignRealloc), size, align);
  }
  if constexpr (kSecure) {
    return reallocate_sized(ptr, usable_size(ptr, Misuse::kForeignRealloc), size, align);
  }
  return reallocate(ptr, size, align);
}
// As reallocate_sized.
[[nodiscard]] inline void* watched_reallocate_sized(void* ptr, std::size_t old_size,
                                                    std::size_t size, std::size_t align) noexcept {
  if constexpr (kDebugger) return checked_reallocate(ptr, old_size, size, align);
  return reallocate_sized(ptr, old_size, size, align);
}
// As resize_in_place.
[[nodiscard]] inline std::size_t watched_resize(void* ptr, std::size_t old_size, std::size_t least,
                                                std::size_t most) noexcept {
  if constexpr (kDebugger) return checked_resize(ptr, old_size, least, most);
  return resize_in_place(ptr, old_size, least, most);
}

}  // namespace ralloc
