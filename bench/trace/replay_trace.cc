// Replays a trace by malloc, which is whichever library is preloaded: how long a call takes.
//
//   replay_trace [--threads N] [--times N] TRACE
//   replay_trace --list TRACE      prints the operations instead
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/suite/malloc_memory.h"
#include "bench/trace/replayer.h"

namespace ralloc::bench {
namespace {

struct Options {
  std::string path;
  unsigned threads = 1;
  unsigned times = 5;
  bool list = false;
};

[[noreturn]] void usage() {
  std::fprintf(stderr, "usage: replay_trace [--threads N] [--times N] [--list] TRACE\n");
  std::exit(2);
}

unsigned number(const char* text) {
  char* end = nullptr;
  const unsigned long number = std::strtoul(text, &end, 10);
  if (*end != '\0' || number < 1 || number > 100'000) usage();
  return unsigned(number);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--list") {
      options.list = true;
    } else if (word == "--threads" && i + 1 < argc) {
      options.threads = number(argv[++i]);
    } else if (word == "--times" && i + 1 < argc) {
      options.times = number(argv[++i]);
    } else if (word.starts_with("-") || !options.path.empty()) {
      usage();
    } else {
      options.path = word;
    }
  }
  if (options.path.empty()) usage();
  return options;
}

void list(const Trace& trace) {
  static constexpr const char* kNames[] = {"allocate", "zeroed", "aligned", "reallocate", "free"};
  std::size_t left = trace.recorded();
  for (const Operation& operation : trace.operations()) {
    if (left-- == 0) break;
    std::printf("%s block %u size %zu align %zu thread %u\n", kNames[int(operation.call)],
                operation.block, operation.size, std::size_t{1} << operation.align_log2,
                unsigned(operation.thread));
  }
}

// Seconds of a replay by all threads at once.
double replay(const Trace& trace, unsigned count) {
  std::vector<Replayer> replayers;
  replayers.reserve(count);
  for (unsigned i = 0; i < count; ++i) replayers.emplace_back(trace);
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> others;
  others.reserve(count);
  for (unsigned i = 1; i < count; ++i) {
    others.emplace_back([&replayer = replayers[i]] { replayer.run(MallocMemory()); });
  }
  replayers[0].run(MallocMemory());
  for (std::thread& other : others) other.join();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void run(const Options& options) {
  const Trace trace = Trace::load(options.path);
  if (options.list) return list(trace);
  const std::size_t count = trace.operations().size();
  std::printf("%zu operations of %zu threads, %zu recorded; at most %zu blocks live, "
              "%zu bytes\n", count, trace.threads(), trace.recorded(), trace.blocks(),
              trace.peak_bytes());
  double best = 1e9;
  for (unsigned i = 0; i < options.times; ++i) {
    best = std::min(best, replay(trace, options.threads));
  }
  std::printf("%.1f ns each, on %u threads at once; the best of %u replays\n",
              best / double(count) * 1e9, options.threads, options.times);
}

}  // namespace
}  // namespace ralloc::bench

int main(int argc, char** argv) {
  try {
    ralloc::bench::run(ralloc::bench::parse(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "replay_trace: %s\n", error.what());
    return 1;
  }
}
