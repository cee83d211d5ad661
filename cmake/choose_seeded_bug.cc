// Chooses the seeded bug that the environment names in RALLOC_SEEDED_BUG, before the allocator's
// first call; none if it names none. A name that is not on the list ends the process.
#include <seeded_bug.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

// Before the constructors of the allocator and of all else.
[[gnu::constructor(101)]] void choose_seeded_bug() {
  const char* wanted = std::getenv("RALLOC_SEEDED_BUG");
  if (wanted == nullptr) return;
  int number = 0;
  for (const char* name : ralloc::kSeededBugs) {
    if (std::strcmp(name, wanted) == 0) {
      ralloc::seeded_bug_number = number;
      return;
    }
    ++number;
  }
  std::fprintf(stderr, "there is no seeded bug %s\n", wanted);
  std::_Exit(2);
}

}  // namespace
