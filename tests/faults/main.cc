// The system refuses memory: callers get null, nothing is lost, and the next call works.
//
//   SCENARIO    runs one, with the fault that RALLOC_TEST_FAULT sets (os_faulty.h)
//   (nothing)   runs all, each in a process of its own: among them the workload with each
//               call to the system failing in turn, once, and from then on
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "alloc/allocator.h"
#include "faults/check_nothing_lost.h"
#include "faults/exhaustion.h"
#include "faults/os_faulty.h"
#include "faults/workload.h"
#include "support/build.h"
#include "support/process.h"

namespace {

using namespace ralloc_test;

// All was well, but no call failed.
constexpr int kNotStruck = 10;

// --- Scenarios -----------------------------------------------------------------------------------

void run_once() {
  const std::size_t refused = run_workload();
  REQUIRE(refused == 0 || fault_struck());
}

// The same paths fail over and over: what is lost a little at a time adds up.
void run_often() {
  for (int i = 0; i < 3; ++i) run_workload();
  check_nothing_lost();
  const std::size_t records = ralloc::bookkeeper.counts().ledger.metadata_bytes;
  for (int i = 0; i < 5; ++i) run_workload();
  check_nothing_lost();
  REQUIRE(ralloc::bookkeeper.counts().ledger.metadata_bytes <= records);
}

void run_in_threads() { run_workload_in_threads(); }

struct Scenario {
  const char* name;
  void (*run)();
};
constexpr Scenario kScenarios[] = {{"once", run_once},
                                   {"often", run_often},
                                   {"large_refused", run_large_refused},
                                   {"all_refused", run_all_refused},
                                   {"in_threads", run_in_threads},
                                   {"exhaustion", run_exhaustion},
                                   {"exhaustion_for_good", run_exhaustion_for_good},
                                   {"on_small_pieces", run_on_small_pieces}};

int run_scenario(const char* name) {
  const Scenario* scenario = nullptr;
  for (const Scenario& one : kScenarios) {
    if (std::strcmp(one.name, name) == 0) scenario = &one;
  }
  REQUIRE(scenario != nullptr);
  scenario->run();
  check_nothing_lost();
  const bool struck = fault_struck();
  set_fault({});
  REQUIRE(run_workload() == 0);
  check_nothing_lost();
  return struck ? 0 : kNotStruck;
}

// --- All of them --------------------------------------------------------------------------------

// Runs a scenario in a process of its own; its exit code.
int run_apart(const char* program, const char* scenario, OsCall call, When when,
              std::size_t number) {
  char fault[100];
  std::snprintf(fault, sizeof fault, "%s:%s:%zu", kOsCallNames[std::size_t(call)],
                kWhenNames[std::size_t(when)], number);
  REQUIRE(setenv(kFaultVariable, fault, 1) == 0);
  char* const arguments[] = {const_cast<char*>(program), const_cast<char*>(scenario), nullptr};
  pid_t child;
  int status = 0;
  REQUIRE(posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, arguments, environ) == 0);
  REQUIRE(waitpid(child, &status, 0) == child);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (code != 0 && code != kNotStruck) {
    std::printf("FAILED with code %d\nreproduce: %s=%s %s %s\n", code, kFaultVariable, fault,
                program, scenario);
  }
  return code;
}

// True if all is well although the fault struck.
bool survives(const char* program, const char* scenario, OsCall call, When when,
              std::size_t number) {
  return run_apart(program, scenario, call, when, number) == 0;
}

// The security build makes many calls, and each run of it takes long: after the first few calls
// some do.
constexpr std::size_t kEachUntil = ralloc::kSecure ? 12 : SIZE_MAX;
constexpr std::size_t kStep = 23;

// Lets the first call fail, then the second, until there is none.
bool survives_each(const char* program, OsCall call, When when) {
  for (std::size_t number = 1;; number += number < kEachUntil ? 1 : kStep) {
    const int code = run_apart(program, "once", call, when, number);
    if (code == 0) continue;
    std::printf("%s, %s each: %zu calls\n", kOsCallNames[std::size_t(call)],
                kWhenNames[std::size_t(when)], number - 1);
    return code == kNotStruck && number > 1;
  }
}

// The debugger and security builds copy where the others move pages, and only a block whose pages were
// moved is extended. The latter alone closes some, and reserves just where it wants to.
bool is_called(OsCall call) {
  switch (call) {
    case OsCall::kClose:
    case OsCall::kReserveAt: return ralloc::kSecure;
    case OsCall::kExtend: return !ralloc::kDebugger && !ralloc::kSecure && !kPosix;
    case OsCall::kMovePages:
    case OsCall::kMovePagesLost: return !ralloc::kDebugger && !ralloc::kSecure;
    default: return true;
  }
}

bool survives_all(const char* program) {
  bool all = true;
  for (std::size_t call = 0; call < kOsCalls; ++call) {
    if (!is_called(OsCall(call))) continue;
    for (const When when : {When::kOnce, When::kFrom}) {
      all = survives_each(program, OsCall(call), when) && all;
    }
  }
  // Where large blocks lie between guards, they are reserved beside each other.
  constexpr OsCall kReserves = ralloc::kSecure ? OsCall::kReserveAt : OsCall::kReserve;
  for (const OsCall call : {kReserves, OsCall::kCommit, OsCall::kPurge, OsCall::kMovePages,
                            OsCall::kMovePagesLost}) {
    if (!is_called(call)) continue;
    // One of four commits would be one of each large block between guards.
    for (const std::size_t number : {ralloc::kSecure ? 6 : 4, 7}) {
      for (const char* scenario : {"often", "in_threads"}) {
        all = survives(program, scenario, call, When::kEvery, number) && all;
      }
    }
  }
  all = survives(program, "large_refused", OsCall::kCommit, When::kOver, kMiB) && all;
  all = survives(program, "all_refused", OsCall::kReserve, When::kOver, 256 * kKiB) && all;
  for (const std::size_t most : {kMiB, 3 * kMiB, 20 * kMiB}) {
    // Nothing is as large there as what was reserved before main.
    if (ralloc::kSecure && most > 3 * kMiB) continue;
    all = survives(program, "on_small_pieces", OsCall::kReserve, When::kOver, most) && all;
  }
  for (const std::size_t most : {3 * kMiB, 30 * kMiB, 100 * kMiB}) {
    all = survives(program, "exhaustion", OsCall::kReserve, When::kTotal, most) && all;
  }
  for (const std::size_t number : {3, 4, 5}) {
    all = survives(program, "exhaustion_for_good", OsCall::kReserve, When::kFrom, number) && all;
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (argc > 1) return run_scenario(argv[1]);
  return survives_all(argv[0]) ? 0 : 1;
}
