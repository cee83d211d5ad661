// A run is used after it was handed on: its new owner has it alone.
#include "tests/must_not_compile/subjects.h"

namespace ralloc_test {

void once(Ledger& ledger, bool clean) {
  Run run = ledger.take_decayed(0);
  if (!run) return;
  if (clean) {
    ledger.give(std::move(run), SpanState::kClean, 0);
  } else {
    ledger.give(std::move(run), SpanState::kDirty, 1);
  }
}

void given_twice(Ledger& ledger, Run::Span& span) {
  Run run(span);
  ledger.give(std::move(run), SpanState::kDirty, 0);
  ledger.give(std::move(run), SpanState::kDirty, 0);
  // expected-error@-1 {{expected 'unconsumed', observed 'consumed'}}
}

std::size_t used_after_it_was_given(Ledger& ledger, Run::Span& span) {
  Run run(span);
  ledger.give(std::move(run), SpanState::kDirty, 0);
  return run->bytes();
  // expected-error@-1 {{'operator->' on object 'run' while it is in the 'consumed' state}}
}

void adopted_and_given(Shard& shard, Ledger& ledger, Run::Span& span) {
  Run run(span);
  (void)shard.adopt(0, std::move(run), nullptr, 0);
  ledger.give(std::move(run), SpanState::kDirty, 0);
  // expected-error@-1 {{expected 'unconsumed', observed 'consumed'}}
}

void released_before_it_is_forgotten(Ledger& ledger, Run::Span& span) {
  Run run(span);
  ledger.forget(std::move(run));
  ShippedLimits::Memory::release(run->begin(), 0);
  // expected-error@-1 {{'operator->' on object 'run' while it is in the 'consumed' state}}
}

void purged_again(Ledger& ledger) {
  Run run = ledger.take_decayed(0);
  if (!run) return;
  do {
    ledger.give(std::move(run), SpanState::kClean, 0);
    // expected-error@-1 {{state of variable 'run' must match at the entry and exit of loop}}
  } while (ledger.is_decay_due(0, 0));
}

void handed_over_twice(Run&& run TAKEN_OVER, Run::Span** kept) {
  kept[0] = run.hand_over();
  kept[1] = run.hand_over();
  // expected-error@-1 {{'hand_over' on object 'run' while it is in the 'consumed' state}}
}

void pushed_twice(LooseRuns<StdSync, ShippedLimits>& runs, Run::Span& span) {
  Run run(span);
  runs.push(std::move(run));
  runs.push(std::move(run));
  // expected-error@-1 {{expected 'unconsumed', observed 'consumed'}}
}

}  // namespace ralloc_test
