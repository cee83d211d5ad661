// The protocol's small steps under the policy that ships, for zero_cost.py to compare with
// by_hand.cc; or under a policy of costly_sync.h, which it must notice.
#include "global_pool/global_pool.h"
#include "tests/zero_cost/costly_sync.h"

#define EXPORT extern "C" [[gnu::visibility("default")]]

using namespace ralloc;
using Sync = ZERO_COST_SYNC;

using Number = Sync::Cell<std::uint64_t>;
using AtomicNumber = Sync::Atomic<std::uint64_t>;
using RunSpan = Span<Sync, ShippedLimits>;
using Run = LooseRun<Sync, ShippedLimits>;
using Spans = List<Sync, RunSpan, &RunSpan::in_bin_>;

EXPORT std::uint64_t cell(Number& number, std::uint64_t value) {
  const std::uint64_t old = number.get();
  number.set(value);
  return old;
}

EXPORT std::uint64_t atomic_load(const AtomicNumber& number) { return number.load(Sync::kAcquire); }
EXPORT void atomic_store(AtomicNumber& number, std::uint64_t value) {
  number.store(value, Sync::kRelease);
}

struct Guarded {
  Sync::Mutex mutex;
  Number value;
};
EXPORT void under_mutex(Guarded& guarded) {
  Guard<Sync::Mutex> guard(guarded.mutex);
  if (guard.holder_died()) guarded.value.set(0);
  guarded.value.set(guarded.value.get() + 1);
}

EXPORT Key key_of(const PageMap<Sync, ShippedLimits>& map, const void* p) { return map.key_of(p); }

EXPORT std::size_t span_take(RunSpan& span, void** end, std::size_t n) { return span.take(end, n); }
EXPORT bool span_put(RunSpan& span, std::uintptr_t offset, Misuse& misuse) {
  return RunSpan::Intake(&span).put(offset, misuse);
}

EXPORT RunSpan* run_handed_over(RunSpan& span) {
  Run run(span);
  Run next(std::move(run));
  return next.hand_over();
}
EXPORT RunSpan* runs_pushed_and_popped(RunSpan& first, RunSpan& second) {
  LooseRuns<Sync, ShippedLimits> runs;
  runs.push(Run(first));
  runs.push(Run(second));
  Run last = runs.pop();
  return last ? last.hand_over() : nullptr;
}

EXPORT void list_push_front(Spans& spans, RunSpan* span) { spans.push_front(span); }
EXPORT void list_insert_after(Spans& spans, RunSpan* previous, RunSpan* span) {
  spans.insert_after(previous, span);
}
EXPORT void list_remove(Spans& spans, RunSpan* span) { spans.remove(span); }

EXPORT bool budget_draw(Budget<Sync>& budget, std::size_t bytes, std::size_t most) {
  return budget.draw(bytes, most);
}
EXPORT void budget_put_back(Budget<Sync>& budget, std::size_t bytes) { budget.put_back(bytes); }

EXPORT bool is_decay_due(Ledger<Sync, ShippedLimits>& ledger, std::uint64_t now_ms,
                         std::uint64_t decay_ms) {
  return ledger.is_decay_due(now_ms, decay_ms);
}
