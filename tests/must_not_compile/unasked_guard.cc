// A mutex is taken without a question for its last holder, which a fork may have lost.
#include "tests/must_not_compile/subjects.h"

namespace ralloc_test {

std::size_t asked(Shard& shard) {
  Guard guard(shard.mutex_);
  if (guard.holder_died()) shard.retire();
  return shard.pages_.get();
}

std::size_t unasked(Shard& shard) {
  Guard guard(shard.mutex_);
  return shard.pages_.get();
  // expected-error@-1 {{'~Guard' on object 'guard' while it is in the 'unconsumed' state}}
}

void asked_in_one_branch(Shard& shard, bool all) {
  Guard guard(shard.mutex_);
  if (all) {
    if (guard.holder_died()) shard.retire();
  }
  shard.pages_.set(0);
  // expected-error@+1 {{'~Guard' on object 'guard' while it is in the 'unknown' state}}
}

void gone_at_once(Shard& shard) {
  Guard{shard.mutex_};
  // expected-error@-1 {{ignoring temporary created by a constructor declared with 'nodiscard'}}
  // expected-error@-2 {{'~Guard' on a temporary object while it is in the 'unconsumed' state}}
}

void answer_ignored(Shard& shard) {
  Guard guard(shard.mutex_);
  guard.holder_died();
  // expected-error@-1 {{ignoring return value of function declared with 'nodiscard' attribute}}
  shard.pages_.set(0);
}

}  // namespace ralloc_test
