// Runs one case of the suite on so many threads, and prints its figures as a line of JSON: the
// driver, bench/suite/run, starts a fresh process for each figure. Try --help.
#include <dlfcn.h>
#include <malloc.h>
#include <sys/resource.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>

#include "bench/suite/cases.h"
#include "bench/suite/latencies.h"
#include "bench/suite/waits.h"

namespace ralloc::bench {

std::vector<Case>& all_cases() {
  static std::vector<Case> cases;
  return cases;
}

namespace {

constexpr const char* kHelp =
    R"(suite --list
    The cases, a line of JSON each.
suite --only CASE [--threads N] [--seconds S | --iterations K] [--rest] [--waits]
    Runs the case on N threads (1): for about S seconds (0.5), or exactly K iterations on each
    thread, so that every allocator does the same. --rest waits 1.5 s at the end and tells which
    memory the process still has. --waits counts how often threads wait at mutexes in the timed
    loops, or yield the processor.
)";

struct Options {
  bool list = false, rest = false, waits = false;
  std::string only;
  int threads = 1;
  double seconds = 0.5;
  long iterations = 0;
};

[[noreturn]] void end_of_bad_use(const std::string& why) {
  std::fprintf(stderr, "suite: %s\n%s", why.c_str(), kHelp);
  std::exit(2);
}

double number(const char* text, double least, double most) {
  char* end;
  const double value = std::strtod(text, &end);
  if (end == text || *end != 0 || !(value >= least && value <= most)) {
    end_of_bad_use(std::string("not a number from ") + std::to_string(least) + " to " +
                   std::to_string(most) + ": " + text);
  }
  return value;
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--help") {
      std::fputs(kHelp, stdout);
      std::exit(0);
    }
    if (name == "--list") {
      options.list = true;
    } else if (name == "--rest") {
      options.rest = true;
    } else if (name == "--waits") {
      options.waits = true;
    } else if (i + 1 == argc) {
      end_of_bad_use("unknown, or without its value: " + name);
    } else if (name == "--only") {
      options.only = argv[++i];
    } else if (name == "--threads") {
      options.threads = int(number(argv[++i], 1, 512));
    } else if (name == "--seconds") {
      options.seconds = number(argv[++i], 0.001, 3600);
    } else if (name == "--iterations") {
      options.iterations = long(number(argv[++i], 1, 1e15));
    } else {
      end_of_bad_use("unknown: " + name);
    }
  }
  return options;
}

// Keeps what Google Benchmark measured; prints nothing.
class Keeper : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    if (!runs.empty()) run = runs.front();
  }
  Run run;
};

// A figure of /proc/self/status in MiB: unlike getrusage's, it is of this program alone, and not of
// who started it.
double status_mib(const char* key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(key, 0) == 0) return std::strtod(line.c_str() + std::strlen(key), nullptr) / 1024;
  }
  return 0;
}

const char* malloc_library() {
  Dl_info info;
  return dladdr(reinterpret_cast<void*>(&std::malloc), &info) != 0 ? info.dli_fname : "unknown";
}

// Almost idle, as at night: many allocators return memory only when they are called, and some of them
// only by calls that do more than the cheapest.
double mib_after_a_rest() {
  constexpr std::size_t kSizes[] = {100, 100'000};
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
  while (std::chrono::steady_clock::now() < end) {
    for (std::size_t size : kSizes) Memory::deallocate(touch(Memory::allocate(size)), size);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return status_mib("VmRSS:");
}

void list() {
  for (const Case& one : all_cases()) {
    std::printf("{\"name\": \"%s\", \"about\": \"%s\", \"least_threads\": %u, "
                "\"holds_memory\": %s}\n",
                one.name.c_str(), one.about.c_str(), one.least_threads,
                one.holds_memory ? "true" : "false");
  }
}

void run(const Case& one, const Options& options) {
  auto* const registered = benchmark::RegisterBenchmark(one.name.c_str(), [&one](State& state) {
    stand_outside_of_loop();
    if (Memory::kIsTimed && state.thread_index() == 0) forget_latencies();
    one.run(state, one.argument);
    if (Memory::kIsTimed) merge_latencies();
  });
  registered->Threads(options.threads)->UseRealTime();
  if (options.iterations != 0) {
    registered->Iterations(options.iterations);
  } else {
    registered->MinTime(options.seconds);
  }
  if (options.waits && !count_waits()) {
    std::fprintf(stderr, "suite: the kernel lets no waits be counted: %s\n", std::strerror(errno));
    std::exit(1);
  }
  Keeper keeper;
  rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  benchmark::RunSpecifiedBenchmarks(&keeper);
  getrusage(RUSAGE_SELF, &after);
  const benchmark::BenchmarkReporter::Run& run = keeper.run;
  const auto items = run.counters.find("items_per_second");
  if (run.error_occurred || items == run.counters.end()) {
    std::fprintf(stderr, "suite: %s did not run: %s\n", one.name.c_str(),
                 run.error_message.c_str());
    std::exit(1);
  }
  // Google Benchmark counts the iterations of all threads, and the mean of their times.
  std::printf("{\"name\": \"%s\", \"threads\": %d, \"iterations\": %lld, \"seconds\": %.6f, "
              "\"items_per_second\": %.1f, \"peak_mib\": %.3f, \"minor_faults\": %ld, "
              "\"voluntary_switches\": %ld, \"involuntary_switches\": %ld, \"allocator\": \"%s\"",
              one.name.c_str(), options.threads,
              static_cast<long long>(run.iterations / options.threads),
              run.real_accumulated_time, double(items->second),
              status_mib("VmHWM:"), after.ru_minflt - before.ru_minflt,
              after.ru_nvcsw - before.ru_nvcsw, after.ru_nivcsw - before.ru_nivcsw,
              malloc_library());
  if (Memory::kIsTimed) {
    const LatencyFigures figures = latency_figures();
    std::printf(", \"p50_ns\": %.1f, \"p99_ns\": %.1f, \"p999_ns\": %.1f, \"max_ns\": %.1f, "
                "\"timer_ns\": %.1f, \"calls\": %llu",
                figures.p50_ns, figures.p99_ns, figures.p999_ns, figures.max_ns, figures.timer_ns,
                static_cast<unsigned long long>(figures.calls));
  }
  if (options.waits) {
    const Waits waits = waits_in_loops();
    std::printf(", \"mutex_waits\": %llu, \"mutex_sleeps\": %llu, \"yields\": %llu",
                static_cast<unsigned long long>(waits.at_mutexes),
                static_cast<unsigned long long>(waits.slept),
                static_cast<unsigned long long>(waits.yields));
  }
  if (options.rest) std::printf(", \"settled_mib\": %.3f", mib_after_a_rest());
  std::printf("}\n");
}

int main_of(int argc, char** argv) {
  const Options options = parse(argc, argv);
  if (options.list) {
    list();
    return 0;
  }
  for (const Case& one : all_cases()) {
    if (one.name != options.only) continue;
    if (options.threads < int(one.least_threads)) end_of_bad_use("too few threads: " + one.name);
    run(one, options);
    return 0;
  }
  end_of_bad_use(options.only.empty() ? "which case? (--only)" : "no case " + options.only);
}

}  // namespace
}  // namespace ralloc::bench

int main(int argc, char** argv) { return ralloc::bench::main_of(argc, argv); }
