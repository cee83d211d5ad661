// Where the canaries of pages come from: one generator for all threads, since a call of the system
// for each page, or each large block, would be most of what these cost.
//
// Thread safety: any thread, no lock held (I5): it has a mutex of its own.
// Invariants: no two calls give the same number, nor one here and one in a forked child.
#pragma once

#include <cstdint>

#include "shim/annotations.h"
#include "shim/random.h"
#include "shim/sync.h"

namespace ralloc {

class Secrets {
 public:
  std::uint64_t next() EXCLUDES(any_mutex) {
    StdSync::Guard guard(mutex_);
    // Half written or not, what a lost thread leaves is of another generation, and is seeded anew.
    (void)guard.holder_died();
    return random_.next();
  }

 private:
  StdSync::Mutex mutex_;
  Random random_ GUARDED_BY(mutex_);
};

// Those of the process; in the security build alone.
extern constinit Secrets secrets;

}  // namespace ralloc
