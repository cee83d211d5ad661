#include "shim/fatal.h"

#include <cstddef>
#include <cstdint>

#include "shim/os.h"

namespace ralloc {
namespace {

struct Sentence {
  const char* before;  // ends where the pointer goes
  const char* after;
};

constexpr Sentence sentence(Misuse misuse) {
  switch (misuse) {
    case Misuse::kForeignFree:
      return {"free of ", ", which is not a live block of this allocator"};
    case Misuse::kForeignRealloc:
      return {"realloc of ", ", which is not a live block of this allocator"};
    case Misuse::kForeignUsableSize:
      return {"usable size asked of ", ", which is not a live block of this allocator"};
    case Misuse::kDoubleFree:
      return {"double free of ", ", which is free already"};
    case Misuse::kNotABlock:
      return {"free of ", ", which is not the start of a block"};
    case Misuse::kPartFreed:
      return {"free of ", ", of which a part is free already"};
    case Misuse::kOverFree:
      return {"free of ", " with a size larger than the block"};
    case Misuse::kOverRealloc:
      return {"realloc of ", " with an old size larger than the block"};
    case Misuse::kSplit:
      return {"split of ", " at a place that is not inside of it"};
    case Misuse::kNoValue:
      return {"value asked of the result ", ", which is an error"};
  }
  return {"misuse of ", ""};
}

// A line of bounded length, built without formatted output, which may allocate.
class Line {
 public:
  Line() { text("ralloc: "); }
  Line& text(const char* s) {
    while (*s != 0 && size_ < sizeof buffer_ - 1) buffer_[size_++] = *s++;
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
  [[noreturn]] void die() {
    buffer_[size_++] = '\n';
    os::write_error(buffer_, size_);
    os::abort();
  }

 private:
  void put(char c) {
    if (size_ < sizeof buffer_ - 1) buffer_[size_++] = c;
  }
  char buffer_[256];
  std::size_t size_ = 0;
};

}  // namespace

void die_of_misuse(Misuse misuse, const void* pointer) noexcept {
  const Sentence s = sentence(misuse);
  Line().text(s.before).hex(reinterpret_cast<std::uintptr_t>(pointer)).text(s.after).die();
}

void die_of_exhaustion(std::size_t size) noexcept {
  Line().text("out of memory: no block of ").decimal(size).text(" bytes can be had").die();
}

void die_of_alignment(std::size_t size) noexcept {
  Line().text("alignment 0 asked for a block of ").decimal(size)
      .text(" bytes, but the least is 1").die();
}

void die_of_check(const char* expression, const char* file, int line) noexcept {
  Line().text("broken invariant: ").text(expression).text(" at ").text(file).text(":")
      .decimal(std::uint64_t(line)).die();
}

}  // namespace ralloc
