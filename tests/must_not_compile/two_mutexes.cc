// A second mutex, or what may not happen under any, while one is held (I5).
#include "tests/must_not_compile/subjects.h"

namespace ralloc_test {

void one_after_the_other(Shard& shard, Ledger& ledger) {
  {
    Guard guard(shard.mutex_);
    if (guard.holder_died()) shard.retire();
  }
  {
    Guard guard(ledger.mutex_);
    if (guard.holder_died()) ledger.retire();
  }
  (void)shard.counts();
  (void)ledger.counts();
}

void shard_then_ledger(Shard& shard, Ledger& ledger) {
  Guard guard(shard.mutex_);
  if (guard.holder_died()) shard.retire();
  Guard second(ledger.mutex_);
  // expected-error@-1 {{acquiring mutex 'any_mutex' that is already held}}
  if (second.holder_died()) ledger.retire();
}

void ledger_then_shard(Shard& shard, Ledger& ledger) {
  Guard guard(ledger.mutex_);
  if (guard.holder_died()) ledger.retire();
  Guard second(shard.mutex_);
  // expected-error@-1 {{acquiring mutex 'any_mutex' that is already held}}
  if (second.holder_died()) shard.retire();
}

void two_shards(Shard& one, Shard& other) {
  Guard guard(one.mutex_);
  if (guard.holder_died()) one.retire();
  (void)other.counts();
  // expected-error@-1 {{cannot call function 'counts' while mutex 'any_mutex' is held}}
}

void shard_calls_ledger(Shard& shard, Ledger& ledger) {
  Guard guard(shard.mutex_);
  if (guard.holder_died()) shard.retire();
  (void)ledger.attach_pool(0);
  // expected-error@-1 {{cannot call function 'attach_pool' while mutex 'any_mutex' is held}}
}

void ledger_calls_shard(Shard& shard, Ledger& ledger) {
  Guard guard(ledger.mutex_);
  if (guard.holder_died()) ledger.retire();
  (void)shard.take(0, nullptr, 0);
  // expected-error@-1 {{cannot call function 'take' while mutex 'any_mutex' is held}}
}

void itself(Shard& shard) {
  Guard guard(shard.mutex_);
  if (guard.holder_died()) shard.retire();
  (void)shard.is_valid();
  // expected-error@-1 {{cannot call function 'is_valid' while mutex 'any_mutex' is held}}
}

void helper_calls_ledger(Shard& shard, Ledger& ledger) REQUIRES(shard.mutex_, any_mutex) {
  ledger.detach_pool({}, 0);
  // expected-error@-1 {{cannot call function 'detach_pool' while mutex 'any_mutex' is held}}
}

void purge_under_a_mutex(Ledger& ledger, Run::Span* run) {
  Guard guard(ledger.mutex_);
  if (guard.holder_died()) ledger.retire();
  (void)ShippedLimits::Memory::purge(run->begin(), run->bytes());
  // expected-error@-1 {{cannot call function 'purge' while mutex 'any_mutex' is held}}
}

void report_under_a_mutex(Shard& shard, void* block) {
  Guard guard(shard.mutex_);
  if (guard.holder_died()) shard.retire();
  if (block == nullptr) die_of_misuse(Misuse::kDoubleFree, block);
  // expected-error@-1 {{cannot call function 'die_of_misuse' while mutex 'any_mutex' is held}}
}

}  // namespace ralloc_test
