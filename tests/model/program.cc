#include "model/program.h"

#include <string_view>

#include "model/ways.h"

namespace ralloc_test {
namespace {

constexpr const char* kHelpers = R"(
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

[[maybe_unused]] static unsigned char* bytes(void* p) { return static_cast<unsigned char*>(p); }

[[maybe_unused]] static void fill(unsigned char* p, std::size_t size, unsigned char with) {
  std::memset(p, with, size);
}

[[maybe_unused]] static void check(const unsigned char* p, std::size_t size, unsigned char with) {
  for (std::size_t i = 0; i < size; ++i) {
    if (p[i] == with) continue;
    std::fprintf(stderr, "byte %zu of %p is %#x and not %#x\n", i, static_cast<const void*>(p),
                 p[i], with);
    std::abort();
  }
}

[[maybe_unused]] static void check_alignment(const void* p, std::size_t align) {
  if (reinterpret_cast<std::uintptr_t>(p) % align == 0) return;
  std::fprintf(stderr, "%p is not aligned to %zu\n", p, align);
  std::abort();
}
)";

void replace_all(std::string& text, std::string_view from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

std::string name_of(std::uint32_t id) { return std::string("p").append(std::to_string(id)); }

// The call with its arguments; `block` is what it is about.
std::string call(const char* way, const Step& step, const std::string& block) {
  std::string text = way;
  replace_all(text, "BLOCK", block);
  replace_all(text, "SIZE", std::to_string(step.size));
  replace_all(text, "OLD", std::to_string(step.old_size));
  replace_all(text, "ALIGN", std::to_string(step.align));
  replace_all(text, "LEAST", std::to_string(step.least));
  return text;
}

// fill(p1, 100, 1);
std::string with_contents(const char* what, const std::string& name, std::size_t size,
                          const Step& step) {
  return std::string(what) + "(" + name + ", " + std::to_string(size) + ", " +
         std::to_string(step.root % 255 + 1) + ");";
}

std::string alignment_of(const Step& step, bool aligns) {
  if (!aligns) return "";
  return std::string(" check_alignment(") + name_of(step.id) + ", " +
         std::to_string(step.align) + ");";
}

std::string text_of_allocation(const Step& step) {
  const AllocateWay& way = way_to_allocate(step.way);
  const std::string name = name_of(step.id);
  const std::string made = call(way.text, step, name);
  std::string text = made.find("&" + name) == made.npos
                         ? "unsigned char* " + name + " = bytes(" + made + ");"
                         : "void* " + name + "_; " + made + "; unsigned char* " + name +
                               " = bytes(" + name + "_);";
  replace_all(text, "&" + name, "&" + name + "_");
  text += alignment_of(step, way.aligns);
  const std::size_t size = way.at_least != nullptr && step.outcome != 0 ? step.outcome : step.size;
  return text + " " + with_contents("fill", name, size, step);
}

std::string text_of_part(const Step& step) {
  const std::string name = name_of(step.id);
  const std::string part = step.from == 0 ? name : name + " + " + std::to_string(step.from);
  std::string rest;
  if (step.has_rest) {
    const std::size_t at = step.kind == Operation::kDivide ? step.from : step.from + step.size;
    rest = std::string("unsigned char* ") + name_of(step.id2) + " = " + name + " + " +
           std::to_string(at) + ";";
  }
  if (step.kind == Operation::kDivide) return rest;
  const std::string freed = with_contents("check", name, step.old_size, step) + " " +
                            call(way_to_free(step).text, step, part) + ";";
  return rest.empty() ? freed : rest + " " + freed;
}

std::string text_of_resize(const Step& step) {
  const ResizeWay& way = way_to_resize(step);
  const std::string name = name_of(step.id);
  return with_contents("check", name, step.old_size, step) + " " + name + " = bytes(" +
         call(way.text, step, name) + ");" + alignment_of(step, way.aligns) + " " +
         with_contents("check", name, std::min(step.old_size, step.size), step) + " " +
         with_contents("fill", name, step.size, step);
}

std::string text_of_inplace(const Step& step) {
  const std::string name = name_of(step.id);
  const char* way = step.kind == Operation::kInplace ? subject.parts->inplace_text
                                                     : subject.parts->inplace_at_least_text;
  const std::string size = std::to_string(step.outcome);
  std::string text = with_contents("check", name, step.old_size, step) + " (void)" +
                     call(way, step, name) + ";  // gave " + size;
  if (step.outcome > step.old_size) {
    text += "\n  " + with_contents("fill", name, step.outcome, step);
  }
  return text;
}

std::string text_of(const Step& step) {
  const std::string name = name_of(step.id);
  switch (step.kind) {
    case Operation::kAllocate: return text_of_allocation(step);
    case Operation::kFree:
      return with_contents("check", name, step.old_size, step) + " " +
             call(way_to_free(step).text, step, name) + ";";
    case Operation::kFreePart:
    case Operation::kDivide: return text_of_part(step);
    case Operation::kResize: return text_of_resize(step);
    case Operation::kInplace:
    case Operation::kInplaceAtLeast: return text_of_inplace(step);
    case Operation::kExchange:
      return "// swap " + name + " with place " + std::to_string(step.size);
    case Operation::kTrim: return "// trim";
    case Operation::kAudit: return "// audit";
    case Operation::kNothing: break;
  }
  return "";
}

}  // namespace

std::string text_of(std::span<const Step> steps) {
  std::string text;
  for (const Step& step : steps) text += "  " + text_of(step) + "\n";
  return text;
}

std::string program_of(std::span<const Step> steps) {
  return std::string(subject.prologue) + kHelpers + "\nint main() {\n" + text_of(steps) + "}\n";
}

}  // namespace ralloc_test
