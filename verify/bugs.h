// The logic bugs that a build of the models from a seeded copy of the source has (bugs.txt).
#pragma once

#include <string>
#include <vector>

namespace ralloc_verify {

// Their names; none in the build from the source as it ships.
std::vector<std::string> bug_names();
// Puts one in. False if there is none of this name.
bool choose_bug(const std::string& name);

}  // namespace ralloc_verify
