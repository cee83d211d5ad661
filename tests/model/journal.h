// What a child process was doing, in memory that its parent shares: it can be read however
// the child ends. And the child itself.
//
// Thread safety: each lane is one thread's; the parent reads when the child has ended.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "model/operation.h"

namespace ralloc_test {

class Journal {
 public:
  static constexpr std::size_t kLanes = 16;
  static constexpr std::size_t kMostKept = 1 << 16;
  static constexpr std::size_t kShown = 12;  // where only the last steps are of interest

  // One that a forked child shares.
  static Journal& instance();

  // `kept` steps of each lane can be read afterwards; a power of two, up to kMostKept.
  void clear(std::size_t kept = 16);
  // Before the calls.
  void note(std::size_t lane, const Step& step) {
    Lane& mine = lanes_[lane];
    ++mine.operations;
    if (step.kind == Operation::kNothing) return;
    mine.kept[mine.steps++ & (kept_ - 1)] = step;
  }
  // After an in-place or at-least call.
  void came_out(std::size_t lane, std::size_t outcome) {
    lanes_[lane].kept[(lanes_[lane].steps - 1) & (kept_ - 1)].outcome = outcome;
  }

  // Ends the process: what it found wrong. The first thread to come is heard.
  [[noreturn, gnu::format(printf, 3, 4)]] void fail(std::size_t lane, const char* format, ...);
  // How; else _exit(1).
  void set_end(void (*end)()) { end_ = end; }

  std::size_t operations(std::size_t lane) const { return lanes_[lane].operations; }
  std::size_t operations() const;
  const char* failure() const { return failure_; }
  std::size_t failed_lane() const { return failed_lane_; }
  // The last steps of a lane, oldest first, at most so many.
  std::vector<Step> last_steps(std::size_t lane, std::size_t most) const;

 private:
  struct Lane {
    std::size_t operations;
    std::size_t steps;
    Step kept[kMostKept];
  };

  std::size_t kept_ = 16;
  std::atomic<bool> failed_;
  std::size_t failed_lane_;
  void (*end_)();
  char failure_[512];
  Lane lanes_[kLanes];
};

struct Outcome {
  bool ok;
  std::string what;  // what was found wrong, or how the child died
};

// Runs `play` in a child, for at most `seconds`, with a journal that was cleared. With `quiet`
// its standard error is lost.
Outcome run_in_child(const std::function<void()>& play, unsigned seconds, bool quiet);

}  // namespace ralloc_test
