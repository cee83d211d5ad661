// The lines of the log, to the letter: in the log build alone.
#include "shim/log.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "shim/fatal.h"
#include "shim/sync.h"
#include "tests/support/child.h"
#include "tests/support/log_bed.h"
#include "tests/support/threads.h"

namespace ralloc {
namespace {

using ralloc_test::holds_in_child;
using ralloc_test::in_threads;
using Lines = std::vector<std::string>;

class LogTest : public ralloc_test::LogBed {};

struct Places {
  std::string places;
  std::size_t cursor;
  void draw(Line& line) const {
    draw_places(line, places.size(), cursor, [this](std::size_t i) { return places[i] == 'x'; });
  }
};

TEST_F(LogTest, WritesOneLineWithItsPlace) {
  const unsigned line = __LINE__ + 1;
  log_debug("take % blocks of % B", 32, 64);
  const Lines lines = writes();
  ASSERT_EQ(lines.size(), 1u);
  const std::string tail = ") debug : take 32 blocks of 64 B (log_test.cc:" +
                           std::to_string(line) + ")";
  const std::string head = std::string("(") + std::to_string(getpid()) + ".";
  EXPECT_EQ(lines[0].substr(0, head.size()), head);
  EXPECT_EQ(lines[0].substr(lines[0].find(')')), tail);
}

TEST_F(LogTest, DrawsAPictureBeforeTheMessage) {
  log_debug(Places{"x_x_", 2}, "take % blocks of % B from shard %", 32, 64, 3);
  EXPECT_EQ(messages(), Lines{"debug x_|x_ : take 32 blocks of 64 B from shard 3"});
}

TEST_F(LogTest, WritesValuesOfEachKind) {
  log_note("% % %", 0, UINT64_MAX, INT64_MIN);
  log_note("% %", -1, std::uint8_t{7});
  log_note("% %", true, false);
  log_note("% %", static_cast<const void*>(nullptr), reinterpret_cast<void*>(0x7f00));
  log_note("%, %", "text", Extent{reinterpret_cast<void*>(0x10000), 80});
  log_note("%", [] { return 5u; });
  log_note("no value");
  EXPECT_EQ(messages(), (Lines{"note : 0 18446744073709551615 -9223372036854775808",
                               "note : -1 7", "note : yes no", "note : 0x0 0x7f00",
                               "note : text, 0x10000[0x50]", "note : 5", "note : no value"}));
}

TEST_F(LogTest, WritesTheLevelAndAbove) {
  const Lines all = {"internal : 0", "debug : 1", "call : 2", "note : 3", "warning : 4",
                     "error : 5"};
  for (std::size_t level = 0; level <= all.size(); ++level) {
    set_level(LogLevel(level));
    log_internal("0");
    log_debug("1");
    log_call("2");
    log_note("3");
    log_warning("4");
    log_error("5");
    EXPECT_EQ(messages(), Lines(all.begin() + std::ptrdiff_t(level), all.end())) << level;
  }
}

TEST_F(LogTest, ReadsNothingForALineBelowTheLevel) {
  set_level(LogLevel::kNote);
  bool is_read = false;
  log_debug("%", [&] { return is_read = true; });
  EXPECT_FALSE(is_read);
  log_note("%", [&] { return is_read = true; });
  EXPECT_TRUE(is_read);
}

TEST_F(LogTest, CutsALongLineAndKeepsItsPlace) {
  const std::string text(1000, 'a');
  const unsigned line = __LINE__ + 1;
  log_note("% and more", text.c_str());
  const Lines lines = writes();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_LT(lines[0].size(), Line::kMost);
  const std::string place = std::string(" (log_test.cc:") + std::to_string(line) + ")";
  EXPECT_EQ(lines[0].substr(lines[0].size() - place.size() - 2), "aa" + place);
}

TEST_F(LogTest, KeepsErrno) {
  errno = EDOM;
  log_note("a line");
  EXPECT_EQ(errno, EDOM);
  set(detail::kOption_log_fd, 1'000'000);
  log_note("to nobody");
  EXPECT_EQ(errno, EDOM);
  {
    StdSync::Mutex mutex;
    StdSync::Guard guard(mutex);
    (void)guard.holder_died();
    log_note("to nobody, later");
  }
  EXPECT_EQ(errno, EDOM);
}

// --- Under a mutex -------------------------------------------------------------------------------

TEST_F(LogTest, WritesWhenTheMutexIsLeft) {
  StdSync::Mutex mutex;
  int value = 1;
  {
    StdSync::Guard guard(mutex);
    (void)guard.holder_died();
    log_debug("% under the mutex", value);
    value = 2;
    log_debug(Places{"x", 0}, "% under it too", value);
    EXPECT_EQ(messages(), Lines{});
  }
  log_debug("after it");
  EXPECT_EQ(messages(), (Lines{"debug : 1 under the mutex", "debug |x : 2 under it too",
                               "debug : after it"}));
}

TEST_F(LogTest, SaysHowManyLinesItCouldNotKeep) {
  StdSync::Mutex mutex;
  constexpr std::size_t kLines = 1000;
  {
    StdSync::Guard guard(mutex);
    (void)guard.holder_died();
    for (std::size_t i = 0; i < kLines; ++i) log_debug("line %", i);
  }
  const Lines lines = messages();
  ASSERT_GT(lines.size(), 10u);
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    EXPECT_EQ(lines[i], std::string("debug : line ") + std::to_string(i));
  }
  EXPECT_EQ(lines.back(), std::string("warning : ") + std::to_string(kLines - (lines.size() - 1)) +
                              " lines of this thread did not fit and are lost");
}

TEST_F(LogTest, WritesWhatWasHeldBeforeItDies) {
  const pid_t child = fork();
  if (child == 0) {
    ralloc_test::prepare_to_die();
    close(STDERR_FILENO);
    StdSync::Mutex mutex;
    StdSync::Guard guard(mutex);
    (void)guard.holder_died();
    log_debug("the last thing");
    die_of_check("x == y", "some.cc", 7);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(messages(), (Lines{"debug : the last thing",
                               "error : ralloc: broken invariant: x == y at some.cc:7"}));
}

// Reading them may write a complaint, and no mutex of ours is held while something is written.
TEST(LogOptionsTest, AreReadBeforeALockIsHeld) {
  detail::options_are_read.store(false, std::memory_order_relaxed);
  StdSync::Mutex mutex;
  StdSync::Guard guard(mutex);
  (void)guard.holder_died();
  EXPECT_TRUE(detail::options_are_read.load(std::memory_order_relaxed));
}

// --- Signals, children and threads ---------------------------------------------------------------

TEST_F(LogTest, WritesFromASignalHandler) {
  signal(SIGUSR1, [](int) { log_note("in the handler"); });
  raise(SIGUSR1);
  EXPECT_EQ(messages(), Lines{"note : in the handler"});
  StdSync::Mutex mutex;
  {
    StdSync::Guard guard(mutex);
    (void)guard.holder_died();
    log_note("before");
    raise(SIGUSR1);
    EXPECT_EQ(messages(), Lines{});
  }
  EXPECT_EQ(messages(), (Lines{"note : before", "note : in the handler"}));
  signal(SIGUSR1, SIG_DFL);
}

// Wherever the handler interrupts the log, both have their lines.
TEST_F(LogTest, KeepsLinesWholeThatAHandlerInterrupts) {
  static unsigned handled;
  handled = 0;
  signal(SIGUSR1, [](int) { log_note("handled %", ++handled); });
  const pthread_t self = pthread_self();
  std::atomic<bool> is_done{false};
  std::thread other([self, &is_done] {
    for (unsigned i = 0; i < 200; ++i) {
      pthread_kill(self, SIGUSR1);
      std::this_thread::yield();
    }
    is_done = true;
  });
  StdSync::Mutex mutex;
  Lines lines;
  unsigned written = 0;
  while (!is_done) {
    {
      StdSync::Guard guard(mutex);
      (void)guard.holder_died();
      log_note("round %", written++);
    }
    const Lines more = messages();
    lines.insert(lines.end(), more.begin(), more.end());
  }
  other.join();
  const Lines more = messages();
  lines.insert(lines.end(), more.begin(), more.end());
  signal(SIGUSR1, SIG_DFL);
  unsigned rounds = 0;
  unsigned in_handler = 0;
  for (const std::string& line : lines) {
    if (line == std::string("note : round ") + std::to_string(rounds)) {
      ++rounds;
    } else {
      EXPECT_EQ(line, std::string("note : handled ") + std::to_string(++in_handler));
    }
  }
  EXPECT_EQ(rounds, written);
  EXPECT_EQ(in_handler, handled);
  EXPECT_GT(handled, 0u);
}

TEST_F(LogTest, NamesTheChildThatWrites) {
  EXPECT_TRUE(holds_in_child([] {
    log_note("of the child");
    return true;
  }));
  const Lines lines = writes();
  ASSERT_EQ(lines.size(), 1u);
  const pid_t child = pid_t(std::stoi(lines[0].substr(1)));
  EXPECT_NE(child, getpid());
  EXPECT_NE(child, 0);
}

TEST_F(LogTest, GivesEachThreadItsNumber) {
  in_threads(8, [](unsigned) {
    for (unsigned i = 0; i < 20; ++i) log_note("round %", i);
  });
  const Lines lines = writes();
  ASSERT_EQ(lines.size(), 8u * 20);
  std::vector<std::string> heads;
  for (const std::string& line : lines) {
    const std::string head = line.substr(0, line.find(')'));
    if (std::find(heads.begin(), heads.end(), head) == heads.end()) heads.push_back(head);
  }
  EXPECT_EQ(heads.size(), 8u);
}

}  // namespace
}  // namespace ralloc
