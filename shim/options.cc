#include "shim/options.h"

#include <cstring>

#include "shim/line.h"
#include "shim/os.h"

namespace ralloc::detail {
namespace {

enum Unit { kMilliseconds, kBytes, kCount, kLevel };

struct Option {
  const char* name;
  Unit unit;
  std::uint64_t least;
  std::uint64_t most;
  std::uint64_t initial;
};

constexpr Option kOptions[kOptionCount] = {
#define RALLOC_ROW(type, name, unit, least, most, initial, meaning) \
  {#name, unit, std::uint64_t(least), std::uint64_t(most), std::uint64_t(initial)},
    RALLOC_OPTION_TABLE(RALLOC_ROW)
#undef RALLOC_ROW
};

// A piece of the text that is read.
struct Text {
  const char* begin;
  std::size_t size;

  bool is(const char* other) const {
    return std::strlen(other) == size && std::memcmp(begin, other, size) == 0;
  }
};

// Of what somebody else wrote, a readable beginning.
void quote(Line& line, Text text) {
  constexpr std::size_t kMost = 40;
  char copy[kMost + 1] = {};
  for (std::size_t i = 0; i < text.size && i < kMost; ++i) {
    const char c = text.begin[i];
    copy[i] = c >= ' ' && c <= '~' ? c : '?';
  }
  line.text("\"").text(copy).text(text.size > kMost ? "...\"" : "\"");
}

// --- Values --------------------------------------------------------------------------------------

std::uint64_t factor_of(char suffix) {
  switch (suffix) {
    case 'k': case 'K': return kKiB;
    case 'm': case 'M': return kMiB;
    case 'g': case 'G': return 1024 * kMiB;
    default: return 0;
  }
}

bool parse_number(Text text, bool may_have_suffix, std::uint64_t& value) {
  std::uint64_t factor = 1;
  if (may_have_suffix && text.size != 0) {
    const std::uint64_t of_suffix = factor_of(text.begin[text.size - 1]);
    if (of_suffix != 0) {
      factor = of_suffix;
      --text.size;
    }
  }
  if (text.size == 0) return false;
  value = 0;
  for (std::size_t i = 0; i < text.size; ++i) {
    const char c = text.begin[i];
    if (c < '0' || c > '9') return false;
    if (__builtin_mul_overflow(value, std::uint64_t{10}, &value) ||
        __builtin_add_overflow(value, std::uint64_t(c - '0'), &value)) {
      return false;
    }
  }
  return !__builtin_mul_overflow(value, factor, &value);
}

bool parse_level(Text text, std::uint64_t& value) {
  for (value = 0; value < std::size(kLogLevelNames); ++value) {
    if (text.is(kLogLevelNames[value])) return true;
  }
  return false;
}

bool parse_value(const Option& option, Text text, std::uint64_t& value) {
  if (option.unit == kLevel) return parse_level(text, value);
  return parse_number(text, option.unit == kBytes, value) && value >= option.least &&
         value <= option.most;
}

// --- Complaints ----------------------------------------------------------------------------------

void say_range(Line& line, const Option& option) {
  line.text(option.name).text(" can be ");
  if (option.unit == kLevel) {
    for (std::size_t i = 0; i < std::size(kLogLevelNames); ++i) {
      line.text(i == 0 ? "" : i + 1 < std::size(kLogLevelNames) ? ", " : " or ");
      line.text(kLogLevelNames[i]);
    }
    return;
  }
  line.decimal(option.least).text(option.most == option.least + 1 ? " or " : " to ");
  line.decimal(option.most);
  line.text(option.unit == kBytes ? " bytes (k, M and G work)"
            : option.unit == kMilliseconds ? " ms" : "");
}

void complain_of_value(const char* variable, Text piece, const Option& option) {
  Line line;
  quote(line.text(variable).text(" has "), piece);
  say_range(line.text(", but "), option);
  line.text("; the default is used, ");
  if (option.unit == kLevel) {
    line.text(kLogLevelNames[option.initial]);
  } else {
    line.decimal(option.initial);
  }
  line.write_error();
}

void complain_of_name(Text piece) {
  Line line;
  quote(line.text("RALLOC_OPTIONS has "), piece);
  line.text(", which is ignored; options are ");
  for (std::size_t i = 0; i < kOptionCount; ++i) {
    line.text(i == 0 ? "" : ", ").text(kOptions[i].name);
  }
  line.write_error();
}

void set(std::size_t i, const char* variable, Text piece, Text value, std::uint64_t* values,
         bool complains) {
  std::uint64_t number = 0;
  const bool is_good = parse_value(kOptions[i], value, number);
  values[i] = is_good ? number : kOptions[i].initial;
  if (!is_good && complains) complain_of_value(variable, piece, kOptions[i]);
}

void parse_piece(Text piece, std::uint64_t* values, bool complains) {
  if (piece.size == 0) return;
  const void* const sign = std::memchr(piece.begin, '=', piece.size);
  const std::size_t name_size =
      sign == nullptr ? piece.size : std::size_t(static_cast<const char*>(sign) - piece.begin);
  const std::size_t value_at = sign == nullptr ? piece.size : name_size + 1;
  for (std::size_t i = 0; i < kOptionCount; ++i) {
    if (!Text{piece.begin, name_size}.is(kOptions[i].name)) continue;
    return set(i, "RALLOC_OPTIONS", piece, {piece.begin + value_at, piece.size - value_at}, values,
               complains);
  }
  if (complains) complain_of_name(piece);
}

// --- The environment -----------------------------------------------------------------------------

// Without getenv, which a program may have replaced by one that allocates.
const char* variable(const char* const* environment, const char* name) {
  const std::size_t size = std::strlen(name);
  for (; *environment != nullptr; ++environment) {
    if (std::strncmp(*environment, name, size) == 0 && (*environment)[size] == '=') {
      return *environment + size + 1;
    }
  }
  return nullptr;
}

// Whoever finds it false says what is wrong with the environment.
constinit std::atomic<bool> complained{false};

// Not every program allocates before it changes its environment.
[[gnu::constructor]] void read_options_at_start() {
  (void)options();
}

}  // namespace

constinit std::atomic<std::uint64_t> option_values[kOptionCount] = {
#define RALLOC_INITIAL(type, name, unit, least, most, initial, meaning) std::uint64_t(initial),
    RALLOC_OPTION_TABLE(RALLOC_INITIAL)
#undef RALLOC_INITIAL
};
constinit std::atomic<bool> options_are_read{false};

void set_default_options(std::uint64_t* values) noexcept {
  for (std::size_t i = 0; i < kOptionCount; ++i) values[i] = kOptions[i].initial;
}

void parse_options(const char* text, std::uint64_t* values, bool complains) noexcept {
  for (;;) {
    const std::size_t size = std::strcspn(text, ",");
    parse_piece({text, size}, values, complains);
    if (text[size] == 0) return;
    text += size + 1;
  }
}

void parse_log_level(const char* text, std::uint64_t* values, bool complains) noexcept {
  const Text level{text, std::strlen(text)};
  if (level.size != 0) set(kOption_log_level, "RALLOC_LOG", level, level, values, complains);
}

void read_options() noexcept {
  const char* const* const environment = os::environment();
  if (environment == nullptr) return;
  std::uint64_t values[kOptionCount];
  set_default_options(values);
  if (!os::is_privileged()) {
    const char* const text = variable(environment, "RALLOC_OPTIONS");
    const char* const level = variable(environment, "RALLOC_LOG");
    // Relaxed: it guards nothing but who speaks.
    const bool complains = (text != nullptr || level != nullptr) &&
                           !complained.exchange(true, std::memory_order_relaxed);
    if (text != nullptr) parse_options(text, values, complains);
    if (level != nullptr) parse_log_level(level, values, complains);
  }
  // Who reads at the same time stores the same values.
  for (std::size_t i = 0; i < kOptionCount; ++i) {
    option_values[i].store(values[i], std::memory_order_relaxed);
  }
  // Release pairs with the acquire in options().
  options_are_read.store(true, std::memory_order_release);
}

}  // namespace ralloc::detail
