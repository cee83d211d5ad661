// The program break: the end of the process's data segment, which brk and sbrk move.
//
// libc moves it from where it remembers to have left it, with no lock: two threads in its sbrk
// may get the same memory, and so do libc and who calls the kernel past it. Here one lock is
// held, the kernel is asked first where the break is (where the platform can), and libc moves it,
// so that its memory of it is right too. Where there is no break, none can be moved.
//
// Thread safety: any thread, also in a forked child whose parent had threads in here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shim/annotations.h"

namespace ralloc {

// Moves the break by so many bytes. Where it was; 0, and there it stays, if it cannot be moved.
[[nodiscard]] std::uintptr_t move_break(std::ptrdiff_t bytes) noexcept EXCLUDES(any_mutex);
// Moves the break to an address. False, and it stays, if it cannot be moved there; below its begin it
// stays as well, and that is true.
[[nodiscard]] bool set_break(std::uintptr_t address) noexcept EXCLUDES(any_mutex);

}  // namespace ralloc
