// Forks without pause from several threads of a process that is busy in all the ways that
// matter: threads that allocate under stdio locks, threads that wait for those, producers and
// consumers, posix_spawn and vfork. Children allocate, free what they inherited, start threads
// and fork themselves. Nothing may hang. Usage: fork_hammer SECONDS
//
// A watchdog, which is a process of its own with no thread and no allocation, ends it all
// when one of the threads made no progress for ten seconds.
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <new>
#include <thread>

#include "fork_hammer_load.h"
#include "support/build.h"
#include "support/kept_blocks.h"
#include "support/process.h"

namespace {

using ralloc_test::Heartbeat;
using ralloc_test::KeptBlocks;
using ralloc_test::Random;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr int kForkingThreads = 2;
constexpr int kThreads = kForkingThreads + ralloc_test::kLoadThreads;
constexpr seconds kPatience(10);

enum Stage { kBetween, kInFork, kWaitingForChild };

// Shared by the watchdog and the process that it watches.
struct Progress {
  Heartbeat forks[kForkingThreads];
  std::atomic<int> stages[kForkingThreads];
  Heartbeat load[ralloc_test::kLoadThreads];

  const Heartbeat& of_thread(int i) const {
    return i < kForkingThreads ? forks[i] : load[i - kForkingThreads];
  }
};
Progress* progress;

void churn(std::uint64_t seed, int count) {
  constexpr int kHeld = 50;
  void* held[kHeld] = {};
  Random random(seed);
  for (int i = 0; i < count; ++i) {
    void*& block = held[random.below(kHeld)];
    std::free(block);
    const std::size_t size = 1 + random.below(std::size_t{1} << (4 + random.below(14)));
    block = random.below(4) == 0 ? std::calloc(1, size) : std::malloc(size);
    REQUIRE(block != nullptr);
    std::memset(block, 1, size);
  }
  for (void* block : held) std::free(block);
}

// False if the child failed or never ended by itself.
bool child_succeeded(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return false;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// What a child does; `generation` counts forks since the process with the busy threads.
void live_as_child(unsigned long number, KeptBlocks& inherited, int generation) {
  inherited.check_and_free();
  churn(number, 300);
  KeptBlocks own;
  own.allocate(static_cast<unsigned char>(number));
  if (number % 4 == 0) {
    std::thread other([&] {
      churn(number + 1, 100);
      own.check_and_free();
      own.allocate(77);
    });
    churn(number + 2, 100);
    other.join();
  }
  if (number % 8 == 1 && generation < 3) {
    KeptBlocks for_grandchild;
    for_grandchild.allocate(88);
    const pid_t grandchild = fork();
    REQUIRE(grandchild >= 0);
    if (grandchild == 0) {
      live_as_child(generation == 1 ? number : number + 3, for_grandchild, generation + 1);
      _exit(0);
    }
    churn(number, 50);
    for_grandchild.check_and_free();
    REQUIRE(child_succeeded(grandchild));
  }
  own.check_and_free();
}

void fork_until(steady_clock::time_point end, int thread) {
  Heartbeat& forks = progress->forks[thread];
  std::atomic<int>& stage = progress->stages[thread];
  while (steady_clock::now() < end) {
    const unsigned long number = forks.load(std::memory_order_relaxed);
    KeptBlocks before_fork;
    before_fork.allocate(static_cast<unsigned char>(number));
    stage.store(kInFork, std::memory_order_relaxed);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      live_as_child(number, before_fork, 1);
      _exit(0);
    }
    stage.store(kWaitingForChild, std::memory_order_relaxed);
    before_fork.check_and_free();
    REQUIRE(child_succeeded(child));
    stage.store(kBetween, std::memory_order_relaxed);
    forks.store(number + 1, std::memory_order_relaxed);
  }
}

void hammer(seconds duration) {
  REQUIRE(ralloc_test::malloc_is_ralloc());
  ralloc_test::start_fork_hammer_load(progress->load);
  const auto end = steady_clock::now() + duration;
  std::thread others[kForkingThreads - 1];
  for (int i = 1; i < kForkingThreads; ++i) others[i - 1] = std::thread(fork_until, end, i);
  fork_until(end, 0);
  for (std::thread& each : others) each.join();
  _exit(0);  // the load runs for ever
}

// The thread that made no progress for too long; -1 if there is none.
int find_hung_thread() {
  static unsigned long last[kThreads];
  static steady_clock::time_point last_change[kThreads];
  const auto now = steady_clock::now();
  for (int i = 0; i < kThreads; ++i) {
    const unsigned long beats = progress->of_thread(i).load(std::memory_order_relaxed);
    if (beats != last[i] || last_change[i] == steady_clock::time_point()) {
      last[i] = beats;
      last_change[i] = now;
    } else if (now - last_change[i] > kPatience) {
      return i;
    }
  }
  return -1;
}

void report_hang(int thread) {
  if (thread < 0) {
    std::fprintf(stderr, "hang: the process does not end\n");
  } else if (thread >= kForkingThreads) {
    std::fprintf(stderr, "hang: thread %d of the load\n", thread - kForkingThreads);
  } else {
    const int stage = progress->stages[thread].load(std::memory_order_relaxed);
    std::fprintf(stderr, "hang: forking thread %d %s\n", thread,
                 stage == kInFork            ? "is inside fork()"
                 : stage == kWaitingForChild ? "waits for its child, which does not end"
                                             : "allocates between two forks");
  }
}

int watch(pid_t hammering, steady_clock::time_point latest_end) {
  for (;;) {
    int status;
    if (waitpid(hammering, &status, WNOHANG) == hammering) {
      if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
      std::fprintf(stderr, "the process that forks ended with status 0x%x\n", unsigned(status));
      return 1;
    }
    const int hung = find_hung_thread();
    if (hung >= 0 || steady_clock::now() > latest_end) {
      report_hang(hung);
      kill(-hammering, SIGKILL);
      waitpid(hammering, &status, 0);
      return 1;
    }
    std::this_thread::sleep_for(milliseconds(50));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s SECONDS\n", argv[0]);
    return 2;
  }
  const seconds duration(std::atoi(argv[1]));
  void* shared = mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(shared != MAP_FAILED);
  progress = new (shared) Progress();
  const pid_t hammering = fork();
  REQUIRE(hammering >= 0);
  if (hammering == 0) {
    setpgid(0, 0);
    hammer(duration);
  }
  setpgid(hammering, hammering);
  const int result = watch(hammering, steady_clock::now() + duration + 2 * kPatience);
  unsigned long forks = 0;
  for (const Heartbeat& each : progress->forks) forks += each.load(std::memory_order_relaxed);
  std::printf("%lu forks\n", forks);
  // A child has two large tables more to copy the page tables of in the security build.
  constexpr unsigned long kLeastInASecond = ralloc_test::kSecureBuild ? 4 : 10;
  if (result == 0 && forks < kLeastInASecond * static_cast<unsigned long>(duration.count())) {
    std::fprintf(stderr, "too few forks to mean anything\n");
    return 1;
  }
  kill(-hammering, SIGKILL);  // children of the load, should any be left
  return result;
}
