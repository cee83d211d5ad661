// One shard's mutex is held, and another shard is used.
#include "tests/must_not_compile/subjects.h"

namespace ralloc_test {

std::size_t right(Shard& here) {
  Guard guard(here.mutex_);
  if (guard.holder_died()) here.retire();
  return here.pages_.get();
}

std::size_t wrong_field(Shard& here, Shard& other) {
  Guard guard(here.mutex_);
  if (guard.holder_died()) here.retire();
  return other.pages_.get();
  // expected-error@-1 {{reading variable 'pages_' requires holding mutex 'other.mutex_'}}
}

void wrong_helper(Shard& here, Shard& other, Shard::Span* span) {
  Guard guard(here.mutex_);
  if (guard.holder_died()) here.retire();
  other.link(span);
  // expected-error@-1 {{calling function 'link' requires holding mutex 'other.mutex_' exclusively}}
}

void wrong_retirement(Shard& here, Shard& other) {
  Guard guard(here.mutex_);
  if (guard.holder_died()) other.retire();
  // expected-error@-1 {{calling function 'retire' requires holding mutex 'other.mutex_'}}
}

void ledger_under_shards_mutex(Shard& here, Ledger& ledger) {
  Guard guard(here.mutex_);
  if (guard.holder_died()) here.retire();
  ledger.pools_[0].set(1);
  // expected-error@-1 {{reading variable 'pools_' requires holding mutex 'ledger.mutex_'}}
}

}  // namespace ralloc_test
