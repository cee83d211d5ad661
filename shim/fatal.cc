#include "shim/fatal.h"

#include <cstddef>
#include <cstdint>

#include "shim/line.h"
#include "shim/log.h"
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
    case Misuse::kWrongSize:
      return {"free of ", " with a size that is not the block's"};
    case Misuse::kWrongAlignment:
      return {"free of ", " with an alignment that is not the block's"};
    case Misuse::kOverflow:
      return {"overflow of ", ", behind whose end bytes were overwritten"};
    case Misuse::kWriteAfterFree:
      return {"write after free of ", ", whose bytes are no longer zero"};
  }
  return {"misuse of ", ""};
}

[[noreturn]] void die(Line& line) {
  line.write_error();
  log_death("die", line);
  os::abort();
}

}  // namespace

void die_of_misuse(Misuse misuse, const void* pointer) noexcept {
  const Sentence s = sentence(misuse);
  die(Line().text(s.before).hex(reinterpret_cast<std::uintptr_t>(pointer)).text(s.after));
}

void die_of_exhaustion(std::size_t size) noexcept {
  die(Line().text("out of memory: no block of ").decimal(size).text(" bytes can be had"));
}

void die_of_alignment(std::size_t size) noexcept {
  die(Line().text("alignment 0 asked for a block of ").decimal(size)
      .text(" bytes, but the least is 1"));
}

void die_of_check(const char* expression, const char* file, int line) noexcept {
  die(Line().text("broken invariant: ").text(expression).text(" at ").text(file).text(":")
      .decimal(std::uint64_t(line)));
}

}  // namespace ralloc
