#pragma once
// How long each call takes.
//
// The shortest time between two readings of the clock is taken off every figure, so a figure is
// what the call adds. Interruptions by the scheduler are in it: they are the far end of what a
// program sees.
//
// Thread safety: a thread records for itself, and merges when it ends or at `merge_latencies`.
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace ralloc::bench {

struct LatencyFigures {
  double p50_ns, p99_ns, p999_ns, max_ns;
  double timer_ns;        // what was taken off each
  std::uint64_t calls;
};

// What this thread recorded is forgotten, and what was merged.
void forget_latencies();
// Adds what this thread recorded to the common figures.
void merge_latencies();
// Of all that was merged.
LatencyFigures latency_figures();

void record_latency(std::uint64_t ns);

template <class Call>
inline void* timed(const Call& call) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  void* const result = call();
  record_latency(std::uint64_t(std::chrono::nanoseconds(Clock::now() - begin).count()));
  return result;
}

}  // namespace ralloc::bench
