// What programs asked of malloc, recorded (bench/trace) and done again by each thread on blocks of
// its own.
#include "bench/trace/replayer.h"

#include <algorithm>
#include <array>
#include <string>

#include "bench/suite/cases.h"
#include "bench/trace/trace.h"

namespace ralloc::bench {
namespace {

constexpr std::array kPrograms{"redis", "python3", "g++"};

// Loaded by the first thread that asks.
template <std::size_t kWhich>
const Trace& trace_of() {
  static const Trace trace =
      Trace::load(std::string(RALLOC_TRACES) + "/" + kPrograms[kWhich] + ".trace");
  return trace;
}

template <std::size_t kWhich>
void replay(State& state, std::size_t) {
  const Trace& trace = trace_of<kWhich>();
  const auto frees = std::ranges::count(trace.operations(), Call::kFree, &Operation::call);
  Replayer replayer(trace);
  for (auto _ : state) replayer.run(Memory{});
  state.SetItemsProcessed(state.iterations() *
                          (std::int64_t(trace.operations().size()) - std::int64_t{frees}));
}

const AddCases cases{
    {"replay/redis", "blocks of redis-server under redis-benchmark", replay<0>, 0, 1, true},
    {"replay/python3", "blocks of python3, an object each", replay<1>, 0, 1, true},
    {"replay/g++", "blocks of g++, which compiles a small file", replay<2>, 0, 1, true},
};

}  // namespace
}  // namespace ralloc::bench
