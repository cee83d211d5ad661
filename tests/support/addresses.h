// The process gets no more addresses, until they come back.
//
// Thread safety: the limit is the process's. Assertions that fail allocate: they come after that.
#pragma once

#include <sys/resource.h>

namespace ralloc_test {

class Addresses {
 public:
  bool are_refused() {
    if (getrlimit(RLIMIT_AS, &usual_) != 0) return false;
    const rlimit none{0, usual_.rlim_max};
    return setrlimit(RLIMIT_AS, &none) == 0;
  }
  bool come_back() { return setrlimit(RLIMIT_AS, &usual_) == 0; }

 private:
  rlimit usual_{};
};

}  // namespace ralloc_test
