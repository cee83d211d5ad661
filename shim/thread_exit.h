// Calls a function when a thread ends.
//
// Thread safety: any thread. Takes no lock; may call the program's calloc, so the caller
// must be ready to serve it.
#pragma once

namespace ralloc {

// Asks that `hook(value)` runs when this thread ends, after the destructors of its C++
// thread_local objects, at some point among those of its pthread keys. One hook serves the
// whole process; `value` is not null. False if the system has no key left.
[[nodiscard]] bool at_thread_exit(void (*hook)(void*), void* value) noexcept;

}  // namespace ralloc
