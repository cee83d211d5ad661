// Catches bad_alloc without naming it, nor anything of the library that throws it.
#include <cstddef>

#include "support/process.h"

int main() {
  try {
    ::operator delete(::operator new(ralloc_test::opaque(std::size_t{1} << 46)));
  } catch (...) {
    return 0;
  }
  return 1;
}
