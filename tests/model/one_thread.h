// The model test with one thread: a list of operations, which is shrunk if it fails.
//
// Thread safety: the program's only thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "model/operation.h"

namespace ralloc_test {

Operations draw_operations(std::uint64_t seed, std::size_t count);

// Plays the list in a child. With `quiet` nothing is printed. The journal keeps `kept` steps.
bool play_alone(const Operations& operations, bool quiet, std::string* failure,
                std::size_t kept = 16);

// A list that fails alike and cannot easily be made shorter, or its numbers smaller. Prints its
// progress. The journal is that of the operations.
Operations shrink(Operations operations, const std::string& failure);

// Plays the list and prints it as a program; returns how it failed.
std::string print_program(const Operations& operations);

}  // namespace ralloc_test
