// What the calls that may not fail do when there is no memory (ralloc/oom_handlers.h).
//
// Thread safety: any thread, with no lock held: code of the program is called.
#pragma once

#include <cstddef>

namespace ralloc {

// Calls the OOM handler for an allocation that could not be served. Returns if it is to be
// tried again. Not noexcept: exceptions of the handler pass through, and through the callers.
void call_oom_handler(std::size_t size, std::size_t align);

}  // namespace ralloc
