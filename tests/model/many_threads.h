// The model test with threads that come and go, and exchange blocks and parts of
// blocks, which outlive many of them.
//
// Thread safety: called by the program's only thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace ralloc_test {

// Each of `threads` lanes plays `count` operations, by one thread after another, in a child.
bool play_in_threads(std::uint64_t seed, std::size_t threads, std::size_t count,
                     std::string* failure);

}  // namespace ralloc_test
