// The model test with one thread: a list of operations, which is shrunk if it fails.
//
// Thread safety: the program's only thread.
#pragma once

#include <cstdint>

#include "model/operation.h"

namespace ralloc_test {

Operations draw_operations(std::uint64_t seed, std::size_t count);

// Plays the list in a child. With `quiet` nothing is printed.
bool play_alone(const Operations& operations, bool quiet, std::string* failure);

// A list that fails too and cannot easily be made shorter. Prints its progress.
Operations shrink(Operations operations);

// Prints the list as C++.
void print_operations(const Operations& operations);

}  // namespace ralloc_test
