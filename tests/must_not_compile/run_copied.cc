// What one thread has alone cannot be had twice.
#include "tests/must_not_compile/subjects.h"

namespace ralloc_test {

void moved(Ledger& ledger, Run::Span& span) {
  Run run(span);
  Run other(std::move(run));
  ledger.forget(std::move(other));
}

void copied(Ledger& ledger, Run::Span& span) {
  Run run(span);
  Run other(run);  // expected-error {{call to implicitly-deleted copy constructor}}
  ledger.forget(run);
  // expected-error@-1 {{rvalue reference to type 'LooseRun<...>' cannot bind to lvalue}}
  other = run;
  // expected-error@-1 {{because its copy assignment operator is implicitly deleted}}
}

void emptied_spans_copied(Shard& shard, const Bookkeeper::PageMap& map, void** blocks) {
  Shard::Given given = shard.give(0, map, blocks, 1);
  Shard::Given moved = std::move(given);
  Shard::Given copied = moved;  // expected-error {{call to implicitly-deleted copy constructor}}
  auto emptied = copied.emptied;  // expected-error {{call to implicitly-deleted copy constructor}}
}

void guard_copied(Guard& guard) {
  Guard copied(guard);  // expected-error {{call to deleted constructor}}
}

}  // namespace ralloc_test
