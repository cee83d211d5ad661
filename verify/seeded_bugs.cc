#include <iterator>

#include <seeded_bug.h>
#include "verify/bugs.h"

namespace ralloc_verify {

std::vector<std::string> bug_names() {
  return {std::begin(ralloc::kSeededBugs) + 1, std::end(ralloc::kSeededBugs)};
}

bool choose_bug(const std::string& name) {
  for (int i = 1; i < int(std::size(ralloc::kSeededBugs)); ++i) {
    if (name != ralloc::kSeededBugs[i]) continue;
    ralloc::seeded_bug_number = i;
    return true;
  }
  return false;
}

}  // namespace ralloc_verify
