// One line of text for people, of bounded length, built in place.
//
// Thread safety: none; a line is on its maker's stack. Nothing here allocates.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shim/os.h"

namespace ralloc {

// Built without the formatted output of libc, which may allocate. What does not fit is cut off.
class Line {
 public:
  Line() { text("ralloc: "); }
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
  // To standard error, with its end, in one piece.
  void write_error() {
    buffer_[size_] = '\n';
    os::write_error(buffer_, size_ + 1);
  }

 private:
  void put(char c) {
    if (size_ < sizeof buffer_ - 1) buffer_[size_++] = c;
  }
  char buffer_[256];
  std::size_t size_ = 0;
};

}  // namespace ralloc
