// The log: what the allocator tells of itself, a line for each event, in the log build alone
// (RALLOC_LOG=ON). docs/log.md says how to read it.
//
//   log_debug("take % blocks of % B", n, block_size);
//   log_note(blocks_of(span), "span % is given up", extent_of(span));
//
// Each % is one value, and the compiler counts them; the line says from where the call is. In
// other builds a call is nothing. Values are evaluated nevertheless, so they are what is at hand;
// what must be read or computed first is a lambda, which the log calls, or a picture, which
// draws itself.
//
// Thread safety: any thread, any time, with locks held: then the line is made at once, of what
// the lock guards, and written when the lock is left (LinesUntilUnlocked). In signal handlers,
// before main and in forked children too. Keeps errno; never allocates.
// Invariants: a line is one write, and no mutex of ours is held during it.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "shim/config.h"
#include "shim/line.h"
#include "shim/picture.h"

namespace ralloc {

// --- Values --------------------------------------------------------------------------------------
// Memory: begin[size], in hex.
struct Extent {
  const void* begin;
  std::size_t size;
};

class LogValue {
 public:
  template <std::integral T>
  LogValue(T value) : kind_(value < T{} ? kNegative : kNumber), bits_(std::uint64_t(value)) {}
  LogValue(bool value) : LogValue(value ? "yes" : "no") {}
  LogValue(const void* address) : kind_(kAddress), bits_(std::uintptr_t(address)) {}
  LogValue(const char* text) : kind_(kText), bits_(std::uintptr_t(text)) {}
  LogValue(char*) = delete;  // the program's bytes, more likely than a text
  LogValue(Extent extent) : kind_(kExtent), bits_(std::uintptr_t(extent.begin)),
                            size_(extent.size) {}
  template <std::invocable Read>
  LogValue(const Read& read) : LogValue(read()) {}

  void append_to(Line& line) const;

 private:
  enum Kind : std::uint8_t { kNumber, kNegative, kAddress, kText, kExtent };
  Kind kind_;
  std::uint64_t bits_;
  std::size_t size_ = 0;
};

// --- Writing -------------------------------------------------------------------------------------
namespace detail {

// A line to be: its text, and where in the source it comes from.
struct LogSource {
  LogLevel level;
  const char* text;
  const char* file;
  unsigned line;
};
consteval const char* base_name(const char* path) {
  const char* name = path;
  for (const char* c = path; *c != 0; ++c) {
    if (*c == '/') name = c + 1;
  }
  return name;
}
// A picture of any type.
struct AnyPicture {
  void (*draw)(const void* picture, Line& line) = nullptr;
  const void* picture = nullptr;
};
template <class Picture>
AnyPicture any_picture(const Picture& picture) {
  return {[](const void* p, Line& line) { static_cast<const Picture*>(p)->draw(line); }, &picture};
}

void write_log(const LogSource& source, AnyPicture picture, const LogValue* values) noexcept;

void a_log_text_needs_as_many_values_as_it_has_percent_signs();

// Knows where it was made of a literal.
template <class... Values>
struct LogText {
  consteval LogText(const char* literal, const char* path = __builtin_FILE(),
                    unsigned number = __builtin_LINE())
      : text(literal), file(base_name(path)), line(number) {
    std::size_t signs = 0;
    for (const char* c = literal; *c != 0; ++c) signs += *c == '%';
    if (signs != sizeof...(Values)) a_log_text_needs_as_many_values_as_it_has_percent_signs();
  }
  const char* text;
  const char* file;
  unsigned line;
};

}  // namespace detail

// An entry of the library, by its name for people, and where it is: for functions that log for
// several of them.
struct LoggedCall {
  consteval LoggedCall(const char* literal, const char* path = __builtin_FILE(),
                       unsigned number = __builtin_LINE())
      : name(literal), file(detail::base_name(path)), line(number) {}
  const char* name;
  const char* file;
  unsigned line;
};

// What the process dies of now, which standard error has been told. The log gets the lines that
// this thread holds back, and the sentence if it goes elsewhere.
namespace detail {
void write_last(const LoggedCall& from, const char* sentence) noexcept;
}
inline void log_death([[maybe_unused]] const LoggedCall& from,
                      [[maybe_unused]] Line& sentence) noexcept {
  if constexpr (kLog) detail::write_last(from, sentence.c_str());
}

// Whether lines of the level are written.
bool is_logged(LogLevel level) noexcept;

template <LogLevel kLevel>
struct Log {
  template <class... Values>
  [[gnu::always_inline]] void operator()(detail::LogText<std::type_identity_t<Values>...> text,
                                         const Values&... values) const {
    if constexpr (kLog) write(text, text, {}, values...);
  }
  // The line comes from the entry, whose name is the first value.
  template <class... Values>
  [[gnu::always_inline]] void operator()(
      const LoggedCall& call, detail::LogText<const char*, std::type_identity_t<Values>...> text,
      const Values&... values) const {
    if constexpr (kLog) write(text, call, {}, call.name, values...);
  }
  template <LogPicture Picture, class... Values>
  [[gnu::always_inline]] void operator()(const Picture& picture,
                                         detail::LogText<std::type_identity_t<Values>...> text,
                                         const Values&... values) const {
    if constexpr (kLog) write(text, text, detail::any_picture(picture), values...);
  }

 private:
  template <class Text, class Place, class... Values>
  static void write(const Text& text, const Place& place, detail::AnyPicture picture,
                    const Values&... values) {
    if (!is_logged(kLevel)) return;
    const LogValue list[] = {LogValue(values)..., LogValue(0)};
    detail::write_log({kLevel, text.text, place.file, place.line}, picture, list);
  }
};

inline constexpr Log<LogLevel::kInternal> log_internal;
inline constexpr Log<LogLevel::kDebug> log_debug;
inline constexpr Log<LogLevel::kCall> log_call;
inline constexpr Log<LogLevel::kNote> log_note;
inline constexpr Log<LogLevel::kWarning> log_warning;
inline constexpr Log<LogLevel::kError> log_error;

// --- Under locks ---------------------------------------------------------------------------------
// Keeps the lines of its thread while it lives, and then writes them. Every guard of a mutex has
// one, made before the mutex is taken and ended after it is left. What does not fit is counted.
class HeldLines {
 public:
  HeldLines() noexcept;
  ~HeldLines();
  HeldLines(const HeldLines&) = delete;

  // Also from a signal handler that interrupts another call.
  void add(const char* line, std::size_t size) noexcept;
  void write() noexcept;

 private:
  HeldLines* const outer_;
  std::atomic<std::size_t> used_{0};
  std::atomic<std::size_t> lost_{0};
  char text_[2048];
};
struct NoLines {};
using LinesUntilUnlocked = std::conditional_t<kLog, HeldLines, NoLines>;

}  // namespace ralloc
