// What the debugger build does beside: it tells Valgrind and AddressSanitizer of each block, keeps
// a table of the live ones, and lets freed ones lie for a while.
//
// Declarations alone in the other builds, where nothing calls these.
//
// Thread safety: any thread, no lock held by the caller.
#pragma once

#include <cstddef>

#include "shim/fatal.h"

namespace ralloc {

// A block, which may be null, goes to the program.
void checked_allocated(void* ptr, std::size_t size, bool is_zeroed) noexcept;
// As deallocate, free_sized_slow, reallocate_sized and resize_in_place.
void checked_deallocate(void* ptr) noexcept;
[[nodiscard]] bool checked_free(void* ptr, std::size_t size) noexcept;
[[nodiscard]] void* checked_reallocate(void* ptr, std::size_t old_size, std::size_t size,
                                       std::size_t align) noexcept;
[[nodiscard]] std::size_t checked_resize(void* ptr, std::size_t old_size, std::size_t least,
                                         std::size_t most) noexcept;
// As allocate_zeroed and usable_size.
[[nodiscard]] void* checked_zeroed(std::size_t size) noexcept;
std::size_t checked_usable_size(const void* ptr, Misuse misuse) noexcept;
// Whether the table of live blocks was never given up.
bool checked_is_complete() noexcept;
// Bytes that are the program's, if it was not.
std::size_t checked_live_bytes() noexcept;
// Bytes that the table of them takes.
std::size_t checked_table_bytes() noexcept;
// Frees all that lies waiting.
void free_quarantined() noexcept;

}  // namespace ralloc
