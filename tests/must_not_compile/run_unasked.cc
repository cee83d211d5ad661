// A run is used, and there may be none.
#include "tests/must_not_compile/subjects.h"

namespace ralloc_test {

std::size_t asked(Ledger& ledger) {
  Run run = ledger.take(1, 1, SpanState::kLarge, 0);
  if (!run) return 0;
  return run.hand_over()->bytes();
}

std::size_t used(Ledger& ledger) {
  Run run = ledger.take(1, 1, SpanState::kLarge, 0);
  const std::size_t bytes = run->bytes();
  // expected-error@-1 {{'operator->' on object 'run' while it is in the 'unknown' state}}
  if (run) ledger.forget(std::move(run));
  return bytes;
}

void given(Ledger& ledger) {
  Run run = ledger.take_sectors();
  ledger.forget(std::move(run));
  // expected-error@-1 {{argument not in expected state; expected 'unconsumed', observed 'unknown'}}
}

void adopted(Shard& shard, Ledger& ledger) {
  (void)shard.adopt(0, ledger.take(1, 1, SpanState::kBlocks, 0), nullptr, 0);
  // expected-error@-1 {{argument not in expected state; expected 'unconsumed', observed 'unknown'}}
}

void asked_the_wrong_way(Ledger& ledger) {
  Run run = ledger.take_decayed(0);
  if (run) return;
  // expected-error@-1 {{'~LooseRun' on object 'run' while it is in the 'unconsumed' state}}
  ledger.give(std::move(run), SpanState::kClean, 0);
  // expected-error@-1 {{expected 'unconsumed', observed 'consumed'}}
}

}  // namespace ralloc_test
