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

#include "model/operation.h"

namespace ralloc_test {

class Journal {
 public:
  static constexpr std::size_t kLanes = 16;
  static constexpr std::size_t kKept = 12;

  // One that a forked child shares.
  static Journal& instance();

  void clear();
  void note(std::size_t lane, const Operation& operation, Family family, std::size_t old_size);

  // Ends the child: what it found wrong. The first thread to come is heard.
  [[noreturn, gnu::format(printf, 3, 4)]] void fail(std::size_t lane, const char* format, ...);

  std::size_t operations(std::size_t lane) const { return lanes_[lane].count; }
  std::size_t operations() const;
  const char* failure() const { return failure_; }
  std::size_t failed_lane() const { return failed_lane_; }
  // The last operations of a lane, oldest first, one a line.
  std::string last_operations(std::size_t lane) const;

 private:
  struct Entry {
    Operation operation;
    Family family;
    std::size_t old_size;
  };
  struct Lane {
    std::size_t count;
    Entry kept[kKept];
  };

  Lane lanes_[kLanes];
  std::atomic<bool> failed_;
  std::size_t failed_lane_;
  char failure_[512];
};

struct Outcome {
  bool ok;
  std::string what;  // what was found wrong, or how the child died
};

// Runs `play` in a child, for at most `seconds`. With `quiet` its standard error is lost.
Outcome run_in_child(const std::function<void()>& play, unsigned seconds, bool quiet);

}  // namespace ralloc_test
