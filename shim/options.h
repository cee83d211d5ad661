// The part of the configuration that may be changed when a program is started:
//
//   RALLOC_OPTIONS=decay_ms=200,shards=8,pool_bytes=4M    RALLOC_LOG=debug
//
// It is read once, when it is first needed and libc has the environment, and by a constructor of
// the library at the latest; what the program does to its environment later has no effect.
// Programs with more rights than who started them (setuid) get the defaults.
//
// Thread safety: any thread, any time, before main too; no lock, no allocation. Threads that
// come first at the same time all read the environment, and find the same.
// Invariants: each value is in its range.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "shim/annotations.h"
#include "shim/config.h"
#include "shim/log_level.h"

// All options, said once: type and name of the field, unit, least, most, default, meaning. What
// the names are in the environment, what a value may be, the messages about others, and
// docs/configuration.md follow from it (tests/configuration.py).
#define RALLOC_OPTION_TABLE(option)                                                               \
  option(std::uint64_t, decay_ms, kMilliseconds, 0, 1'000'000'000, Config::kDecayMs,              \
         "Dirty free memory goes back to the OS after this time")                                 \
  option(std::uint64_t, decay_bytes, kBytes, 65536, SIZE_MAX, Config::kDecayBytes,                \
         "One thread returns about this much in one go")                                          \
  option(std::uint64_t, dirty_bytes, kBytes, 0, SIZE_MAX, Config::kDirtyMost,                     \
         "When more than this is free and dirty, some of it goes back at once")                   \
  option(std::uint64_t, shards, kCount, 0, Config::kShardsMost, 0,                                \
         "Number of shards; 0 for what `shard_count()` makes of the cores")                            \
  option(std::uint64_t, ledgers, kCount, 0, Config::kLedgersMost, 0,                              \
         "Number of ledgers; 0 for what `ledger_count()` makes of the shards")                    \
  option(std::uint64_t, magazine_bytes, kBytes, 0, Config::kMagazineBytes, Config::kMagazineBytes, \
         "A magazine grows to this much at most, beyond its first room")                          \
  option(std::uint64_t, pool_bytes, kBytes, 0, SIZE_MAX / 4, Config::kPoolBytes,                  \
         "All magazines of a thread grow to this much at most, beyond their first rooms")         \
  option(std::uint64_t, all_pools_bytes, kBytes, 0, SIZE_MAX / 4, Config::kAllPoolsBytes,         \
         "As `pool_bytes`, of all threads together")                                              \
  option(LogLevel, log_level, kLevel, 0, LogLevel::kNone, Config::kLogLevel,                      \
         "What the log build writes; `RALLOC_LOG` sets it too, and wins")                         \
  option(int, log_fd, kCount, 0, 1'000'000, Config::kLogFd,                                       \
         "File descriptor to which the log build writes")                                         \
  option(std::uint64_t, quarantine_bytes, kBytes, 0, SIZE_MAX / 4, Config::kQuarantineBytes,       \
         "Debugger build: freed blocks lie until so many bytes of others, or 8192, are freed")     \
  option(bool, leaks, kCount, 0, 1, Config::kLeaks,                                               \
         "Whether the blocks that are live at exit are listed")                                   \
  option(bool, deepbind, kCount, 0, 1, Config::kDeepbind,                                         \
         "Whether dlopen obeys RTLD_DEEPBIND, by which plugins have libc's malloc")

namespace ralloc {

struct Options {
#define RALLOC_FIELD(type, name, unit, least, most, initial, meaning) type name;
  RALLOC_OPTION_TABLE(RALLOC_FIELD)
#undef RALLOC_FIELD
};

namespace detail {

enum OptionIndex {
#define RALLOC_INDEX(type, name, unit, least, most, initial, meaning) kOption_##name,
  RALLOC_OPTION_TABLE(RALLOC_INDEX)
#undef RALLOC_INDEX
  kOptionCount
};

extern constinit std::atomic<std::uint64_t> option_values[kOptionCount];
extern constinit std::atomic<bool> options_are_read;
// Reads the environment if libc has it.
void read_options() noexcept;

// Sets what `text`, a value of RALLOC_OPTIONS, says; about each piece that is not understood
// one line goes to standard error, if `complains`, and its option is set to the default.
void parse_options(const char* text, std::uint64_t* values, bool complains) noexcept;
// The same for RALLOC_LOG.
void parse_log_level(const char* text, std::uint64_t* values, bool complains) noexcept;
void set_default_options(std::uint64_t* values) noexcept;

inline void have_options() noexcept {
  // Acquire pairs with the release in read_options: the values come before it.
  if (UNLIKELY(!options_are_read.load(std::memory_order_acquire))) read_options();
}

}  // namespace detail

// The values in force, each of them alone: for slow paths.
namespace option {

#define RALLOC_GETTER(type, name, unit, least, most, initial, meaning)                        \
  inline type name() noexcept {                                                               \
    detail::have_options();                                                                   \
    return static_cast<type>(                                                                 \
        detail::option_values[detail::kOption_##name].load(std::memory_order_relaxed));       \
  }
RALLOC_OPTION_TABLE(RALLOC_GETTER)
#undef RALLOC_GETTER

}  // namespace option

// All of them.
inline Options options() noexcept {
  return {
#define RALLOC_VALUE(type, name, unit, least, most, initial, meaning) option::name(),
      RALLOC_OPTION_TABLE(RALLOC_VALUE)
#undef RALLOC_VALUE
  };
}

}  // namespace ralloc
