#include "bench/suite/latencies.h"

#include <algorithm>
#include <chrono>
#include <mutex>

#include "bench/histogram.h"

namespace ralloc::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Recorded {
  Histogram histogram;
  std::uint64_t most = 0;
};

std::mutex mutex;  // of `merged`
Recorded merged;
// Constant-initialised: that a thread records allocates nothing.
constinit thread_local Recorded recorded;

// The shortest time between two readings, of many.
std::uint64_t shortest_interval() {
  std::uint64_t shortest = ~std::uint64_t{0};
  for (int i = 0; i < 100'000; ++i) {
    const Clock::time_point begin = Clock::now();
    const std::uint64_t ns(std::chrono::nanoseconds(Clock::now() - begin).count());
    shortest = std::min(shortest, ns);
  }
  return shortest;
}

const std::uint64_t timer_ns = shortest_interval();

}  // namespace

void record_latency(std::uint64_t ns) {
  const std::uint64_t own = ns > timer_ns ? ns - timer_ns : 0;
  recorded.histogram.record(own);
  recorded.most = std::max(recorded.most, own);
}

void forget_latencies() {
  recorded = {};
  const std::scoped_lock lock(mutex);
  merged = {};
}

void merge_latencies() {
  const std::scoped_lock lock(mutex);
  merged.histogram.merge(recorded.histogram);
  merged.most = std::max(merged.most, recorded.most);
  recorded = {};
}

LatencyFigures latency_figures() {
  const std::scoped_lock lock(mutex);
  const auto ns = [](double fraction) { return double(merged.histogram.percentile(fraction)); };
  return {ns(0.5),          ns(0.99),          ns(0.999), double(merged.most),
          double(timer_ns), merged.histogram.total()};
}

}  // namespace ralloc::bench
