#include "model/journal.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "support/process.h"

namespace ralloc_test {

Journal& Journal::instance() {
  static Journal* const journal = [] {
    // Not constructed: that would touch all of it, and what is mapped is all 0.
    void* memory = mmap(nullptr, sizeof(Journal), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    auto* mapped = static_cast<Journal*>(memory);
    mapped->clear();
    return mapped;
  }();
  return *journal;
}

void Journal::clear(std::size_t kept) {
  for (Lane& lane : lanes_) lane.operations = lane.steps = 0;
  kept_ = kept;
  failed_.store(false, std::memory_order_relaxed);
  failure_[0] = 0;
}

void Journal::fail(std::size_t lane, const char* format, ...) {
  // Others that fail at the same moment wait for the end of the process here.
  while (failed_.exchange(true, std::memory_order_relaxed)) pause();
  failed_lane_ = lane;
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(failure_, sizeof failure_, format, arguments);
  va_end(arguments);
  if (end_ != nullptr) end_();
  _exit(1);
}

std::size_t Journal::operations() const {
  std::size_t sum = 0;
  for (const Lane& lane : lanes_) sum += lane.operations;
  return sum;
}

std::vector<Step> Journal::last_steps(std::size_t lane, std::size_t most) const {
  const Lane& its = lanes_[lane];
  std::vector<Step> steps;
  for (std::size_t i = its.steps - std::min({its.steps, kept_, most}); i < its.steps; ++i) {
    steps.push_back(its.kept[i & (kept_ - 1)]);
  }
  return steps;
}

namespace {

Outcome outcome_of(int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    if (signal == SIGALRM) return {false, "hung"};
    return {false, std::string("died: ") + strsignal(signal)};
  }
  const char* failure = Journal::instance().failure();
  if (failure[0] != 0) return {false, failure};
  const int code = WEXITSTATUS(status);
  return {code == 0, code == 0 ? "" : "ended with code " + std::to_string(code)};
}

}  // namespace

Outcome run_in_child(const std::function<void()>& play, unsigned seconds, bool quiet) {
  std::fflush(nullptr);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(seconds);
    if (quiet) {
      const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
      REQUIRE(nowhere >= 0 && dup2(nowhere, STDERR_FILENO) >= 0);
    }
    play();
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return outcome_of(status);
}

}  // namespace ralloc_test
