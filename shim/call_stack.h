// Who called, for people.
//
// Thread safety: any thread, no lock held by the caller. Nothing here allocates, but for what the
// unwinder does when it is used for the first time: calls nested in its own find no stack.
#pragma once

#include <cstddef>

namespace ralloc {

class Line;

// Writes the return addresses of the callers, innermost first, and returns how many they are.
unsigned capture_call_stack(void** frames, unsigned most) noexcept;

// Adds to a line what is known of a return address: function, module and place in it.
void describe_frame(Line& line, void* frame) noexcept;

}  // namespace ralloc
