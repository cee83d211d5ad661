// The list of blocks that are live at exit: RALLOC_OPTIONS=leaks=1.
//
// Thread safety: any thread, no lock held by the caller. Nothing here allocates. Other threads may
// go on meanwhile; then the list is of nearly the same moment.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shim/line.h"

namespace ralloc {

// Writes the list to standard error: by size, or in the debugger build by allocation stack.
void list_leaks() noexcept;

// The debugger build's; false if it does not know, and has written nothing.
[[nodiscard]] bool list_leaks_by_stack() noexcept;

// The first line: how many there are.
void write_leaks(std::uint64_t blocks, std::uint64_t bytes) noexcept;
// A number in a column of so many characters.
void add_column(Line& line, std::uint64_t value, unsigned width) noexcept;

}  // namespace ralloc
