// Steps as C++, for the reader of a failure.
//
// Thread safety: pure functions.
#pragma once

#include <span>
#include <string>

#include "model/operation.h"

namespace ralloc_test {

// Each step as lines of C++, in a function body.
std::string text_of(std::span<const Step> steps);

// A program that takes these steps, fills all that it is given and checks what it frees.
std::string program_of(std::span<const Step> steps);

}  // namespace ralloc_test
