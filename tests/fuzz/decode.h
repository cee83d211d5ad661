// Bytes as operations of the model test: what the fuzzer mutates.
//
// Thread safety: pure functions.
// Invariants: any bytes mean something; two bytes or fewer of them say one thing each, so that
// small changes of the bytes are small changes of the operations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "model/operation.h"

namespace ralloc_test {

// Operations that hold at most some megabytes at a time. For each: a byte that says which (its
// kind, and the way to call it), one for the piece, and those of its numbers. Where the bytes
// end, the rest are 0.
Operations decode(std::span<const std::uint8_t> bytes);

}  // namespace ralloc_test
