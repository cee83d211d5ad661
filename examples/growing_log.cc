// A log in memory that grows in place where it can, and else moves: it asks for a lot, takes
// what the bytes behind it allow, and copies nothing as long as they allow anything.
//
// It prints how often each happened, and fails if a line is lost or nothing grew in place.
//
// Thread safety: one thread's log.
#include <ralloc/ralloc.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace {

class Log {
 public:
  void append(std::string_view line) {
    if (used_ + line.size() > block_.size()) make_room(line.size());
    std::memcpy(static_cast<char*>(block_.data()) + used_, line.data(), line.size());
    used_ += line.size();
  }

  std::string_view text() const { return {static_cast<const char*>(block_.data()), used_}; }
  std::size_t size() const { return block_.size(); }
  std::size_t grown() const { return grown_; }
  std::size_t moved() const { return moved_; }

 private:
  // The hook: `ralloc::inplace_realloc_at_least` under another name. A program with plain
  // pointers calls that.
  void make_room(std::size_t more) {
    const std::size_t least = used_ + more;
    const std::size_t preferred = std::max(least, 2 * block_.size());
    if (block_.inplace_resize_at_least(least, preferred)) {
      ++grown_;
    } else {
      block_.resize(preferred);
      ++moved_;
    }
  }

  ralloc::Block block_ = ralloc::Block::alloc(80);
  std::size_t used_ = 0;
  std::size_t grown_ = 0;
  std::size_t moved_ = 0;
};

std::string line(int number) { return "request " + std::to_string(number) + " served\n"; }

// Whether the log is these lines, one after the other.
bool has_lines(std::string_view text, int lines) {
  for (int i = 0; i < lines; ++i) {
    const std::string wanted = line(i);
    if (!text.starts_with(wanted)) return false;
    text.remove_prefix(wanted.size());
  }
  return text.empty();
}

}  // namespace

int main() {
  constexpr int kLines = 200'000;
  Log log;
  for (int i = 0; i < kLines; ++i) log.append(line(i));
  std::printf("%d lines, %zu of %zu bytes used: grew in place %zu times, moved %zu times\n",
              kLines, log.text().size(), log.size(), log.grown(), log.moved());
  return has_lines(log.text(), kLines) && log.grown() > 0 ? 0 : 1;
}
