// Forked children of a test, and deaths with their last words.
//
// Thread safety: fork and the death macro copy the calling thread alone.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "tests/support/build.h"

namespace ralloc_test {

// Runs `body` in a forked child. Succeeds if it returned true there; a child that hangs is
// ended after a while.
template <class Body>
testing::AssertionResult holds_in_child(Body body) {
  const pid_t child = fork();
  if (child < 0) return testing::AssertionFailure() << "no fork";
  if (child == 0) {
    alarm(20);
    const bool holds = body();
    dump_coverage();
    _exit(holds ? 0 : 1);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return testing::AssertionFailure() << "no child";
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return testing::AssertionSuccess();
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
    return testing::AssertionFailure() << "the child hung";
  }
  return testing::AssertionFailure() << "the child ended with status " << status;
}

// A death that is expected leaves no core file, and what it covered counts.
inline void prepare_to_die() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  signal(SIGABRT, [](int) { dump_coverage(); });
}

// How the allocator writes a pointer.
inline std::string hex(const void* pointer) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%llx",
                static_cast<unsigned long long>(reinterpret_cast<std::uintptr_t>(pointer)));
  return text;
}

}  // namespace ralloc_test

// Expects that the statement aborts the process, and that all it writes to standard error is
// this one sentence.
#define EXPECT_DEATH_SAYING(statement, sentence)                                           \
  EXPECT_EXIT(                                                                             \
      {                                                                                    \
        ralloc_test::prepare_to_die();                                                     \
        statement;                                                                         \
      },                                                                                   \
      testing::KilledBySignal(SIGABRT),                                                    \
      testing::Matcher<const std::string&>(testing::Eq(std::string(sentence) + "\n")))
