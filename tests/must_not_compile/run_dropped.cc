// A run is let go of, and nobody has it then.
#include "tests/must_not_compile/subjects.h"

namespace ralloc_test {

void handed_on(Ledger& ledger) {
  Run run = ledger.take_decayed(0);
  if (!run) return;
  ledger.give(std::move(run), SpanState::kClean, 0);
}

void dropped_at_the_end(Ledger& ledger) {
  Run run = ledger.take_decayed(0);
  if (!run) return;
  (void)run->bytes();
  // expected-error@+1 {{'~LooseRun' on object 'run' while it is in the 'unconsumed' state}}
}

void dropped_on_one_way(Ledger& ledger) {
  Run run = ledger.take_sectors();
  if (!run) return;
  if (ShippedLimits::Memory::purge(run->begin(), run->bytes())) {
    ledger.forget(std::move(run));
  }
  // expected-error@+1 {{'~LooseRun' on object 'run' while it is in the 'unknown' state}}
}

void dropped_where_it_was_given(Run&& run TAKEN_OVER) {
  // expected-error@-1 {{when the function returns: expected 'consumed', observed 'unconsumed'}}
  (void)run->bytes();
}

Run::Span* dropped_on_one_return(Run&& run TAKEN_OVER) {
  if (run->bytes() == 0) return nullptr;
  // expected-error@-1 {{when the function returns: expected 'consumed', observed 'unconsumed'}}
  return run.hand_over();
}

void ignored(Ledger& ledger) {
  ledger.take_apart(1);
  // expected-error@-1 {{ignoring return value of function declared with 'nodiscard' attribute}}
  // expected-error@-2 {{'~LooseRun' on a temporary object while it is in the 'unknown' state}}
}

void assigned_over(Ledger& ledger) {
  Run run = ledger.take_decayed(0);
  if (!run) return;
  run = ledger.take_decayed(0);
  // expected-error@-1 {{'operator=' on object 'run' while it is in the 'unconsumed' state}}
  if (!run) return;
  ledger.give(std::move(run), SpanState::kClean, 0);
}

void span_ignored(Ledger& ledger, Run::Span& span) {
  Run run(span);
  run.hand_over();
  // expected-error@-1 {{ignoring return value of function declared with 'nodiscard' attribute}}
  (void)ledger.counts();
}

void emptied_spans_ignored(Shard& shard, const Bookkeeper::PageMap& map, void** blocks) {
  shard.give(0, map, blocks, 1);
  // expected-error@-1 {{ignoring return value of function declared with 'nodiscard' attribute}}
  Shard::Given given = shard.give(0, map, blocks, 1);
  given.emptied.pop();
  // expected-error@-1 {{ignoring return value of function declared with 'nodiscard' attribute}}
  // expected-error@-2 {{'~LooseRun' on a temporary object while it is in the 'unknown' state}}
}

}  // namespace ralloc_test
