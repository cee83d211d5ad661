// A run on its way: it has left the ledger, a shard or the program, and is nobody's until it
// comes to the next of them. Who has the handle has the run alone, and must hand it on.
//
// Thread safety: one thread's.
// Invariants: I4, I6, I9: a run comes to one owner, once. clang's analysis follows each handle
// through its function: it may not be used before it was asked whether there is a run, nor
// after the run was handed on, and may not end or be assigned to while it has one. (The analysis
// understands `if`, but neither the conditions of loops nor `?:`, and does not follow members.)
#pragma once

#include <utility>

#include "global_pool/span.h"
#include "shim/annotations.h"

namespace ralloc {

template <class Sync, class Limits>
class [[nodiscard]] CONSUMABLE(unconsumed) LooseRun {
 public:
  using Span = ralloc::Span<Sync, Limits>;

  // Takes possession of a span that the caller has alone.
  explicit LooseRun(Span& span) RETURN_TYPESTATE(unconsumed) : span_(&span) {}
  // The same; null if there is none.
  explicit LooseRun(Span* span) RETURN_TYPESTATE(unknown) : span_(span) {}
  LooseRun(LooseRun&& other) : span_(std::exchange(other.span_, nullptr)) {}
  LooseRun& operator=(LooseRun&& other) CALLABLE_WHEN("consumed") {
    span_ = std::exchange(other.span_, nullptr);
    return *this;
  }
  // No check at run time: a thread lost to a fork drops what it had.
  ~LooseRun() CALLABLE_WHEN("consumed") {}

  explicit operator bool() const TEST_TYPESTATE(unconsumed) { return span_ != nullptr; }
  Span* operator->() const CALLABLE_WHEN("unconsumed") { return span_; }

  // For the next owner.
  [[nodiscard]] Span* hand_over() CALLABLE_WHEN("unconsumed") SET_TYPESTATE(consumed) {
    return std::exchange(span_, nullptr);
  }

 private:
  Span* span_;
};

// Loose runs that come in numbers, linked through in_bin_.
template <class Sync, class Limits>
class [[nodiscard]] LooseRuns {
 public:
  using Run = LooseRun<Sync, Limits>;
  using Span = typename Run::Span;

  LooseRuns() = default;
  LooseRuns(LooseRuns&& other) : first_(std::exchange(other.first_, nullptr)) {}

  void push(Run&& run TAKEN_OVER) {
    Span* const span = run.hand_over();
    span->in_bin_.next.set(first_);
    first_ = span;
  }
  Run pop() RETURN_TYPESTATE(unknown) {
    Span* const span = first_;
    if (span != nullptr) first_ = span->in_bin_.next.get();
    return Run(span);
  }
  const Span* first() const { return first_; }

 private:
  Span* first_ = nullptr;
};

}  // namespace ralloc
