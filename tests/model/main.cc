// A randomised test of the whole interface against a simple model.
//
//   [--seed N] [--operations N] [--threads N] [--seconds S]
//
// Plays rounds of random operations for S seconds, or, if only a number of operations is
// given, one round of that many (in each thread). A failure prints what was wrong, the last
// operations and the line that repeats it; with one thread the list of operations is then
// shrunk, and what is left is printed as a program in C++.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>

#include "model/journal.h"
#include "model/many_threads.h"
#include "model/one_thread.h"
#include "model/program.h"

namespace {

using namespace ralloc_test;
using Clock = std::chrono::steady_clock;

struct Arguments {
  const char* program;
  std::uint64_t seed = std::random_device()();
  std::size_t operations = 0;  // as many as suit the threads
  std::size_t threads = 1;
  double seconds = 0;
};

[[noreturn]] void print_usage(const char* program) {
  std::fprintf(stderr, "usage: %s [--seed N] [--operations N] [--threads 1..%zu] [--seconds S]\n",
               program, Journal::kLanes);
  std::exit(2);
}

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  arguments.program = std::strrchr(argv[0], '/') != nullptr ? std::strrchr(argv[0], '/') + 1
                                                            : argv[0];
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    char* end = nullptr;
    if (i + 1 == argc) print_usage(arguments.program);
    if (name == "--seconds") {
      arguments.seconds = std::strtod(argv[i + 1], &end);
    } else if (name == "--seed") {
      arguments.seed = std::strtoull(argv[i + 1], &end, 0);
    } else if (name == "--operations") {
      arguments.operations = std::strtoull(argv[i + 1], &end, 0);
    } else if (name == "--threads") {
      arguments.threads = std::strtoull(argv[i + 1], &end, 0);
    }
    if (end == nullptr || end == argv[i + 1] || *end != 0) print_usage(arguments.program);
  }
  if (arguments.threads == 0 || arguments.threads > Journal::kLanes) {
    print_usage(arguments.program);
  }
  // A round of many threads must end in time under ThreadSanitizer too.
  if (arguments.operations == 0) arguments.operations = arguments.threads == 1 ? 100000 : 20000;
  return arguments;
}

void report(const Arguments& arguments, std::uint64_t seed, const std::string& failure) {
  const Journal& journal = Journal::instance();
  // An allocator that gives up does not say in which thread.
  for (std::size_t lane = 0; lane < arguments.threads; ++lane) {
    if (journal.failure()[0] != 0 && lane != journal.failed_lane()) continue;
    std::fprintf(stderr, "thread %zu, the last of %zu operations:\n%s", lane,
                 journal.operations(lane),
                 text_of(journal.last_steps(lane, Journal::kShown)).c_str());
  }
  std::fprintf(stderr, "FAILED: %s\nreproduce: %s --seed %llu --operations %zu --threads %zu\n",
               failure.c_str(), arguments.program, static_cast<unsigned long long>(seed),
               arguments.operations, arguments.threads);
}

// Plays one round; false if it failed.
bool play_round(const Arguments& arguments, std::uint64_t seed) {
  std::string failure;
  if (arguments.threads > 1) {
    if (play_in_threads(seed, arguments.threads, arguments.operations, &failure)) return true;
    report(arguments, seed, failure);
    return false;
  }
  const Operations operations = draw_operations(seed, arguments.operations);
  if (play_alone(operations, false, &failure)) return true;
  report(arguments, seed, failure);
  const Operations shrunk = shrink(operations, failure);
  std::fprintf(stderr, "shrunk to %zu operations:\n", shrunk.size());
  failure = print_program(shrunk);
  std::fprintf(stderr, "// which ends so: %s\n",
               failure.empty() ? "well, this time" : failure.c_str());
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments = parse(argc, argv);
  std::printf("%s: seed %llu\n", arguments.program,
              static_cast<unsigned long long>(arguments.seed));
  const Clock::time_point begin = Clock::now();
  std::size_t rounds = 0;
  std::size_t operations = 0;
  std::chrono::duration<double> elapsed{0};
  do {
    if (!play_round(arguments, arguments.seed + rounds)) return 1;
    ++rounds;
    operations += Journal::instance().operations();
    elapsed = Clock::now() - begin;
  } while (elapsed.count() < arguments.seconds);
  std::printf("%zu rounds, %zu operations in %.1f s: %.0f a second\n", rounds, operations,
              elapsed.count(), double(operations) / elapsed.count());
  return 0;
}
