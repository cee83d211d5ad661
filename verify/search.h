// Runs a model under one of Relacy's schedulers, and keeps the list of models.
//
// A model is a class template over its number of threads, derived from Scenario: before() sets
// the scene, thread(i) is what thread i does, after() checks what must hold at the end. A line
// `const Listed<...> listed{...}` puts it on the list.
//
// Thread safety: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
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

// A model, whatever its type: so Relacy's own templates, which take longer to compile than a
// model, are compiled once (search.cc).
struct AnyModel {
  virtual ~AnyModel() = default;
  virtual void before() = 0;
  virtual void thread(unsigned index) = 0;
  virtual void after() = 0;
};

template <class Model>
struct Played final : AnyModel {
  Model model;
  void before() override { model.before(); }
  void thread(unsigned index) override { model.thread(index); }
  void after() override { model.after(); }

  // For one execution. Not in the heap, which Relacy counts as the model's.
  static AnyModel* make() {
    alignas(Played) static std::byte place[sizeof(Played)];
    return new (place) Played();
  }
};

Outcome run_any(const Search& search, const std::string& replay, unsigned threads,
                AnyModel* (*make)());

template <class Model>
Outcome run(const Search& search, const std::string& replay) {
  return run_any(search, replay, Model::kThreadCount, &Played<Model>::make);
}

template <class Model, unsigned kThreads>
struct Scenario {
  static constexpr unsigned kThreadCount = kThreads;
  void before() {}
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
