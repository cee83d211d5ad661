// The list of ways in which each idea is run. Every one puts canaries around the idea: a
// vector, a box, a string and blocks, which are checked afterwards.
//
// Thread safety: one at a time: the refusal of memory is a state of the process.
#pragma once

#include <cstdint>

#include "integration/ideas.h"

namespace ralloc_test {

struct Way {
  const char* name;
  // Reports what goes wrong to GoogleTest, or throws.
  void (*run)(const Idea&, std::uint64_t seed);
};

void alone(const Idea&, std::uint64_t seed);
// In four threads that two threads started.
void in_nested_threads(const Idea&, std::uint64_t seed);
// All that the idea owns is moved between its steps.
void with_reallocation_between(const Idea&, std::uint64_t seed);
// The system refuses the first call for memory, the second, and so on, once or from then on;
// and there is room for some pages only. The idea fails or not, and nothing is lost.
void under_refusal(const Idea&, std::uint64_t seed);

inline constexpr Way kWays[] = {
    {"Alone", alone},
    {"InNestedThreads", in_nested_threads},
    {"WithReallocationBetween", with_reallocation_between},
    {"UnderRefusal", under_refusal},
};

}  // namespace ralloc_test
