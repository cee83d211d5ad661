// A helper that requires the mutex is called without it.
#include "tests/must_not_compile/subjects.h"

namespace ralloc_test {

void with_guard(Shard& shard, Shard::Span* span) {
  Guard guard(shard.mutex_);
  if (guard.holder_died()) shard.retire();
  shard.link(span);
}

void with_guard(Ledger& ledger) {
  Guard guard(ledger.mutex_);
  if (guard.holder_died()) ledger.retire();
  (void)ledger.grow(1);
}

void helper_of_helper(Shard& shard, Shard::Span* span) REQUIRES(shard.mutex_, any_mutex) {
  shard.unlink(span);
}

void without(Shard& shard, Shard::Span* span) {
  shard.link(span);  // expected-error 2 {{calling function 'link' requires holding mutex}}
}

void without(Ledger& ledger, Ledger::Span* span) {
  ledger.drop(span);  // expected-error 2 {{calling function 'drop' requires holding mutex}}
  (void)ledger.grow(1);  // expected-error 2 {{calling function 'grow' requires holding mutex}}
  (void)ledger.carve(span, 1, 1);
  // expected-error@-1 2 {{calling function 'carve' requires holding mutex}}
  (void)ledger.leave(span);  // expected-error 2 {{calling function 'leave' requires holding mutex}}
}

void without_in_helper(Shard& shard, Shard::Span* span) {
  helper_of_helper(shard, span);
  // expected-error@-1 2 {{calling function 'helper_of_helper' requires holding mutex}}
}

}  // namespace ralloc_test
