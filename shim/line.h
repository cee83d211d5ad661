// One line of text for people, of bounded length, built in place.
//
// Thread safety: none; a line is on its maker's stack. Nothing here allocates.
// Invariants: it ends with its only newline, whatever did not fit before it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shim/os.h"

namespace ralloc {

// Built without the formatted output of libc, which may allocate. What does not fit is cut off.
class Line {
 public:
  static constexpr std::size_t kMost = 384;  // with the newline

  explicit Line(const char* begin = "ralloc: ") { text(begin); }
  Line& text(const char* s) {
    while (*s != 0) put(*s++);
    return *this;
  }
  Line& hex(std::uintptr_t value) {
    text("0x");
    unsigned digits = 1;
    while (digits < 16 && (value >> (4 * digits)) != 0) ++digits;
    while (digits-- > 0) put("0123456789abcdef"[(value >> (4 * digits)) & 15]);
    return *this;
  }
  Line& decimal(std::uint64_t value) {
    char digits[20];
    unsigned n = 0;
    do digits[n++] = char('0' + value % 10); while ((value /= 10) != 0);
    while (n > 0) put(digits[--n]);
    return *this;
  }
  Line& put(char c) {
    if (size_ < room_) buffer_[size_++] = c;
    return *this;
  }
  // Leaves the last `bytes` of the room for what is put after a keep(0).
  Line& keep(std::size_t bytes) {
    room_ = kMost - 1 - bytes;
    return *this;
  }

  // Without the newline, as a string.
  const char* c_str() {
    buffer_[size_] = 0;
    return buffer_;
  }
  // With the newline behind it.
  const char* data() {
    buffer_[size_] = '\n';
    return buffer_;
  }
  std::size_t size() const { return size_ + 1; }

  // To standard error, in one piece.
  void write_error() { os::write_error(data(), size()); }

 private:
  char buffer_[kMost];
  std::size_t size_ = 0;
  std::size_t room_ = kMost - 1;
};

}  // namespace ralloc
