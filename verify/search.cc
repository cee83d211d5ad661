#include "verify/search.h"

#include <chrono>
#include <cstdlib>
#include <streambuf>

namespace ralloc_verify {
namespace {

struct NoBuffer : std::streambuf {
  int overflow(int c) override { return c; }
};

std::ostream& no_stream() {
  static NoBuffer buffer;
  static std::ostream stream(&buffer);
  return stream;
}

rl::scheduler_type_e relacy_scheduler(Scheduler scheduler) {
  switch (scheduler) {
    case Scheduler::kRandom: return rl::sched_random;
    case Scheduler::kBound: return rl::sched_bound;
    case Scheduler::kFull: return rl::sched_full;
  }
  return rl::sched_random;
}

// The search that runs.
class Run {
 public:
  Run(const Search& search, const std::string& replay, AnyModel* (*make)());
  rl::test_params& params() { return params_; }
  Outcome outcome();
  static AnyModel& make_model() { return *make_(); }
  // At the begin of each execution: a tree search has no limits of its own.
  static void begin_execution() {
    ++executions_;
    World::begin();
    Execution::begin(spurious_);
    // Relacy runs the last execution twice, and must end it the same way: also one that failed just
    // before the end.
    const bool is_repeated = rl::ctx().collecting_history() && !is_replay_;
    if (!is_repeated && (executions_ >= most_executions_ ||
                         ((executions_ & 255) == 0 && now_seconds() > deadline_))) {
      is_over_ = true;
    }
    if (is_over_) rl::ctx().rl_until("out of time", Place::here());
  }

 private:
  static inline AnyModel* (*make_)() = nullptr;
  static inline std::uint64_t executions_ = 0;
  static inline std::uint64_t most_executions_ = 0;
  static inline double deadline_ = 0;
  static inline bool is_over_ = false;
  static inline bool is_replay_ = false;
  static inline unsigned spurious_ = 0;
  const Search& search_;
  const double begin_;
  rl::ostringstream text_;  // not charged to a model's memory
  rl::test_params params_;
};

// What Relacy makes anew for each execution.
template <unsigned kThreads>
struct Suite : rl::test_suite<Suite<kThreads>, kThreads> {
  AnyModel& model = Run::make_model();
  ~Suite() { model.~AnyModel(); }
  void before() {
    Run::begin_execution();
    model.before();
    Execution::is_set_up = true;
  }
  void thread(unsigned index) { model.thread(index); }
  void after() {
    Execution::is_set_up = false;
    model.after();
  }
};

}  // namespace

double now_seconds() {
  using Seconds = std::chrono::duration<double>;
  return Seconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Run::Run(const Search& search, const std::string& replay, AnyModel* (*make)())
    : search_(search), begin_(now_seconds()) {
  make_ = make;
  executions_ = 0;
  is_over_ = false;
  is_replay_ = !replay.empty();
  most_executions_ = search.executions;
  deadline_ = begin_ + search.seconds;
  // Wakes for no reason make a tree infinite.
  spurious_ = search.scheduler == Scheduler::kRandom ? 2 : 0;
  params_.search_type = relacy_scheduler(search.scheduler);
  params_.context_bound = search.bound;
  params_.iteration_count = ~0ull;
  params_.execution_depth_limit = 5000;
  params_.output_stream = &text_;
  params_.progress_stream = &no_stream();
  if (search.begin != 0) params_.initial_state = (std::to_string(search.begin) + " ").c_str();
  if (!replay.empty()) {
    params_.initial_state = replay.c_str();
    params_.collect_history = true;
  }
}

Outcome Run::outcome() {
  Outcome outcome;
  const rl::test_result_e result = params_.test_result;
  const bool is_out_of_time = result == rl::test_result_until_condition_hit;
  outcome.holds = result == rl::test_result_success || is_out_of_time;
  outcome.is_exhausted =
      outcome.holds && !is_out_of_time && search_.scheduler != Scheduler::kRandom;
  outcome.executions = executions_;
  outcome.seconds = now_seconds() - begin_;
  if (!outcome.holds) {
    outcome.history = text_.str().c_str();
    outcome.replay = params_.final_state.c_str();
    // The second line; the first is the model's name.
    const std::size_t begin = outcome.history.find('\n') + 1;
    outcome.verdict = outcome.history.substr(begin, outcome.history.find('\n', begin) - begin);
  }
  return outcome;
}

Outcome run_any(const Search& search, const std::string& replay, unsigned threads,
                AnyModel* (*make)()) {
  Run run(search, replay, make);
  switch (threads) {
    case 2: rl::simulate<Suite<2>>(run.params()); break;
    case 3: rl::simulate<Suite<3>>(run.params()); break;
    default: std::abort();
  }
  return run.outcome();
}

std::string Case::name() const {
  const std::string threads = std::to_string(this->threads) + "Threads";
  switch (scheduler) {
    case Scheduler::kRandom: return "Random" + threads;
    case Scheduler::kBound: return "Bound" + std::to_string(bound) + "For" + threads;
    case Scheduler::kFull: return "Full" + threads;
  }
  return threads;
}

std::vector<Model>& models() {
  static std::vector<Model> all;
  return all;
}

}  // namespace ralloc_verify
