// A field is used without the mutex that guards it.
#include "tests/must_not_compile/subjects.h"

namespace ralloc_test {

std::size_t with_guard(Shard& shard) {
  Guard guard(shard.mutex_);
  if (guard.holder_died()) shard.retire();
  shard.pages_.set(1);
  return shard.spans_[0].get();
}

std::size_t with_guard(Ledger& ledger) {
  Guard guard(ledger.mutex_);
  if (guard.holder_died()) ledger.retire();
  ledger.pools_[0].set(1);
  ledger.arena_.retire();
  return ledger.runs_.pages(SpanState::kDirty);
}

void without(Shard& shard) {
  (void)shard.epoch_.get();
  // expected-error@-1 {{reading variable 'epoch_' requires holding mutex 'shard.mutex_'}}
  (void)shard.lists_[0][0].front();
  // expected-error@-1 {{reading variable 'lists_' requires holding mutex 'shard.mutex_'}}
  shard.spans_[0].set(1);
  // expected-error@-1 {{reading variable 'spans_' requires holding mutex 'shard.mutex_'}}
  (void)shard.capacity_[0].get();
  // expected-error@-1 {{reading variable 'capacity_' requires holding mutex 'shard.mutex_'}}
  shard.pages_.set(1);
  // expected-error@-1 {{reading variable 'pages_' requires holding mutex 'shard.mutex_'}}
}

void without(Ledger& ledger) {
  (void)ledger.runs_.pages(SpanState::kDirty);
  // expected-error@-1 {{reading variable 'runs_' requires holding mutex 'ledger.mutex_'}}
  ledger.arena_.retire();
  // expected-error@-1 {{reading variable 'arena_' requires holding mutex 'ledger.mutex_'}}
  ledger.metadata_.give(nullptr, 1);
  // expected-error@-1 {{reading variable 'metadata_' requires holding mutex 'ledger.mutex_'}}
  (void)ledger.pools_[0].get();
  // expected-error@-1 {{reading variable 'pools_' requires holding mutex 'ledger.mutex_'}}
}

std::size_t after_guard(Shard& shard) {
  {
    Guard guard(shard.mutex_);
    if (guard.holder_died()) shard.retire();
  }
  return shard.pages_.get();
  // expected-error@-1 {{reading variable 'pages_' requires holding mutex 'shard.mutex_'}}
}

}  // namespace ralloc_test
