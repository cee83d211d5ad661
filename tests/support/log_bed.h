// A test that reads what the log writes: in the log build alone.
//
// Thread safety: one thread reads; any may write.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "shim/log.h"
#include "shim/options.h"

namespace ralloc_test {

// The log goes into a pipe that keeps each write apart, while one of these lives.
class LogBed : public testing::Test {
 protected:
  using Lines = std::vector<std::string>;

  LogBed() {
    if (pipe2(pipe_, O_DIRECT | O_NONBLOCK) != 0) ADD_FAILURE() << "no pipe";
    fcntl(pipe_[1], F_SETPIPE_SZ, 1 << 20);
    set(ralloc::detail::kOption_log_fd, std::uint64_t(pipe_[1]));
    set_level(ralloc::LogLevel::kInternal);
    ralloc::log_error("the first line, before which the options are told");
    (void)writes();
  }
  ~LogBed() override {
    set(ralloc::detail::kOption_log_fd, kept_.log_fd);
    set_level(kept_.log_level);
    close(pipe_[0]);
    close(pipe_[1]);
  }

  static void set(ralloc::detail::OptionIndex option, std::uint64_t value) {
    ralloc::detail::option_values[option].store(value, std::memory_order_relaxed);
  }
  static void set_level(ralloc::LogLevel level) {
    set(ralloc::detail::kOption_log_level, std::uint64_t(level));
  }

  // What was written since, by write, without newlines.
  Lines writes() {
    Lines lines;
    char text[4096];
    for (ssize_t n; (n = read(pipe_[0], text, sizeof text)) > 0;) {
      lines.emplace_back(text, std::size_t(n) - 1);
      EXPECT_EQ(text[n - 1], '\n') << lines.back();
      EXPECT_EQ(lines.back().find('\n'), std::string::npos) << lines.back();
    }
    return lines;
  }
  // The same without process, thread and place.
  Lines messages() {
    Lines lines = writes();
    for (std::string& line : lines) {
      line = line.substr(line.find(' ') + 1);
      line = line.substr(0, line.rfind(" ("));
    }
    return lines;
  }

  const ralloc::Options kept_ = ralloc::options();
  int pipe_[2];
};

}  // namespace ralloc_test
