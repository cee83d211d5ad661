// Runs a model under one of Relacy's schedulers, and keeps the list of models.
//
// A model is a class template over its number of threads, derived from Scenario: before() sets
// the scene, thread(i) is what thread i does, after() checks what must hold at the end. A line
// `const Listed<...> listed{...}` puts it on the list.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "verify/relacy_sync.h"
#include "verify/small_world.h"

namespace ralloc_verify {

enum class Scheduler { kRandom, kBound, kFull };

struct Search {
  Scheduler scheduler;
  unsigned bound = 0;                 // context switches that are not forced
  std::uint64_t executions = ~0ull;   // at most, and
  double seconds = 1e9;
  std::uint64_t begin = 0;  // a random search is the same each time: this many are skipped
};

struct Outcome {
  bool holds = true;
  bool is_exhausted = false;  // a tree search went through all executions
  std::uint64_t executions = 0;
  double seconds = 0;
  std::string verdict;  // what Relacy found
  std::string history;  // the failing execution, by thread and source line
  std::string replay;   // with which to run it again
};

double now_seconds();

// The part of a run that needs no template.
class Run {
 public:
  Run(const Search& search, const std::string& replay);
  rl::test_params& params() { return params_; }
  Outcome outcome();
  // At the begin of each execution: a tree search has no limits of its own.
  static void begin_execution() {
    ++executions_;
    World::begin();
    Execution::begin(spurious_);
    // Relacy runs the last execution twice, and must end it the same way.
    is_over_ = is_over_ || executions_ >= most_executions_ ||
               ((executions_ & 255) == 0 && now_seconds() > deadline_);
    if (is_over_) rl::ctx().rl_until("out of time", Place::here());
  }

 private:
  static inline std::uint64_t executions_ = 0;
  static inline std::uint64_t most_executions_ = 0;
  static inline double deadline_ = 0;
  static inline bool is_over_ = false;
  static inline unsigned spurious_ = 0;
  const Search& search_;
  const double begin_;
  rl::ostringstream text_;  // not charged to a model's memory
  rl::test_params params_;
};

template <class Model>
struct Timed : Model {
  void before() {
    Run::begin_execution();
    Model::before();
    Execution::is_set_up = true;
  }
  void after() {
    Execution::is_set_up = false;
    Model::after();
  }
};

template <class Model>
Outcome run(const Search& search, const std::string& replay) {
  Run run(search, replay);
  rl::simulate<Timed<Model>>(run.params());
  return run.outcome();
}

template <class Model, unsigned kThreads>
struct Scenario : rl::test_suite<Model, kThreads> {
  void after() {}
};

// --- The list ----------------------------------------------------------------------------------------

struct Case {
  Scheduler scheduler;
  unsigned bound;
  unsigned threads;
  Outcome (*run)(const Search&, const std::string& replay);
  unsigned gate_bound = bound;  // where `bound` takes too long for every change
  std::string name() const;
  // As the gate runs it.
  Case in_gate() const { return {scheduler, gate_bound, threads, run, gate_bound}; }
};

struct Model {
  const char* name;
  const char* invariants;
  unsigned operations;  // of each thread
  std::vector<Case> cases;
};

std::vector<Model>& models();

// Full search for two threads, bound `kBound` (in the gate `kGateBound`) and random for `kThreads`.
template <template <unsigned> class Scene, unsigned kBound = 3, unsigned kGateBound = kBound,
          unsigned kThreads = 3>
struct Listed {
  Listed(const char* name, const char* invariants, unsigned operations) {
    models().push_back({name,
                        invariants,
                        operations,
                        {{Scheduler::kFull, 0, 2, &run<Scene<2>>},
                         {Scheduler::kBound, kBound, kThreads, &run<Scene<kThreads>>, kGateBound},
                         {Scheduler::kRandom, 0, kThreads, &run<Scene<kThreads>>}}});
  }
};

}  // namespace ralloc_verify
