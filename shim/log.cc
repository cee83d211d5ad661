#include "shim/log.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "shim/options.h"
#include "shim/os.h"

namespace ralloc {
namespace {

// Where a thread that holds a lock puts its lines; null for one that holds none. Atomic for the
// handlers of signals that arrive in the thread itself.
constinit thread_local std::atomic<HeldLines*> held [[gnu::tls_model("initial-exec")]] = nullptr;

// Threads are numbered as they come to write: so no call of the system is needed, and the main
// thread is most often 1.
constinit std::atomic<unsigned> numbered{0};
constinit thread_local unsigned number [[gnu::tls_model("initial-exec")]] = 0;

unsigned number_of_this_thread() {
  // Relaxed: it guards nothing.
  if (number == 0) number = numbered.fetch_add(1, std::memory_order_relaxed) + 1;
  return number;
}

// What the longest place in the source takes.
constexpr std::size_t kPlaceMost = 40;

Line line_of(const detail::LogSource& source, detail::AnyPicture picture, const LogValue* values) {
  Line line("(");
  line.keep(kPlaceMost).decimal(std::uint64_t(getpid())).put('.').decimal(number_of_this_thread());
  line.text(") ").text(kLogLevelNames[std::size_t(source.level)]).put(' ');
  if (picture.draw != nullptr) {
    picture.draw(picture.picture, line);
    line.put(' ');
  }
  line.text(": ");
  for (const char* c = source.text; *c != 0; ++c) {
    if (*c == '%') {
      (values++)->append_to(line);
    } else {
      line.put(*c);
    }
  }
  line.keep(0).text(" (").text(source.file).put(':').decimal(source.line).put(')');
  return line;
}

void emit(Line& line) {
  // Relaxed: the thread's own.
  if (HeldLines* const lines = held.load(std::memory_order_relaxed)) {
    lines->add(line.data(), line.size());
  } else {
    (void)os::write(option::log_fd(), line.data(), line.size());
  }
}

constinit std::atomic<bool> announced{false};

void append(Line& line, const char* name, std::uint64_t value) {
  line.put(' ').text(name).put('=').decimal(value);
}
void append(Line& line, const char* name, LogLevel level) {
  line.put(' ').text(name).put('=').text(kLogLevelNames[std::size_t(level)]);
}

// Before the first line: what the rest depends on.
void announce_options() {
  const Options in_force = options();
  Line text("");
#define RALLOC_APPEND(type, name, unit, least, most, initial, meaning) \
  append(text, #name, in_force.name);
  RALLOC_OPTION_TABLE(RALLOC_APPEND)
#undef RALLOC_APPEND
  log_note("options in force:%", text.c_str());
}

}  // namespace

void LogValue::append_to(Line& line) const {
  switch (kind_) {
    case kNumber: line.decimal(bits_); return;
    case kNegative: line.put('-').decimal(-bits_); return;
    case kAddress: line.hex(bits_); return;
    case kText: line.text(reinterpret_cast<const char*>(bits_)); return;
    case kExtent: line.hex(bits_).put('[').hex(size_).put(']'); return;
  }
}

// Until libc has the environment nobody knows what is wanted: then rare things alone are told.
bool is_logged(LogLevel level) noexcept {
  if (level < option::log_level()) return false;
  // Relaxed: options() has read them if they can be.
  return level >= LogLevel::kWarning || detail::options_are_read.load(std::memory_order_relaxed);
}

void detail::write_log(const LogSource& source, AnyPicture picture, const LogValue* values) noexcept {
  const int kept_errno = errno;
  // Relaxed: whoever is first writes them; others need not wait.
  if (!announced.exchange(true, std::memory_order_relaxed)) announce_options();
  Line line = line_of(source, picture, values);
  emit(line);
  errno = kept_errno;
}

void detail::write_last(const LoggedCall& from, const char* sentence) noexcept {
  HeldLines* const lines = held.exchange(nullptr, std::memory_order_relaxed);
  if (lines != nullptr) lines->write();
  if (option::log_fd() == STDERR_FILENO || !is_logged(LogLevel::kError)) return;
  const LogValue value(sentence);
  write_log({LogLevel::kError, "%", from.file, from.line}, {}, &value);
}

HeldLines::HeldLines() noexcept : outer_(held.load(std::memory_order_relaxed)) {
  (void)options();  // before the lock is held, for it may have something to say
  // Release: a handler finds the other members made.
  held.store(this, std::memory_order_release);
}

void HeldLines::add(const char* line, std::size_t size) noexcept {
  // A handler that comes between takes the next bytes, and is done before we go on.
  const std::size_t at = used_.fetch_add(size, std::memory_order_relaxed);
  if (at + size <= sizeof text_) {
    std::memcpy(text_ + at, line, size);
  } else {
    used_.fetch_sub(size, std::memory_order_relaxed);
    lost_.fetch_add(1, std::memory_order_relaxed);
  }
}

HeldLines::~HeldLines() {
  held.store(outer_, std::memory_order_release);
  write();
}

void HeldLines::write() noexcept {
  const std::size_t size = used_.load(std::memory_order_relaxed);
  if (size == 0) return;
  const int kept_errno = errno;
  const int fd = option::log_fd();
  for (std::size_t at = 0; at < size;) {
    const void* const end = std::memchr(text_ + at, '\n', size - at);
    const std::size_t next = std::size_t(static_cast<const char*>(end) - text_) + 1;
    (void)os::write(fd, text_ + at, next - at);
    at = next;
  }
  const std::size_t lost = lost_.load(std::memory_order_relaxed);
  if (lost != 0) log_warning("% lines of this thread did not fit and are lost", lost);
  errno = kept_errno;
}

}  // namespace ralloc
