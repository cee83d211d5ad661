// How much the log build tells (RALLOC_LOG=LEVEL): what is of the level or above is written.
//
// Thread safety: constants only.
#pragma once

#include <cstdint>

namespace ralloc {

enum class LogLevel : std::uint8_t {
  kInternal,  // every step within the pools
  kDebug,     // what a developer of the allocator looks for
  kCall,      // each call of the program
  kNote,      // rare events: pools opened and closed, memory given back to the OS
  kWarning,   // what the program should know: memory refused, say
  kError,     // what ends the program
  kNone,      // nothing
};

// Their names in the environment, by number.
inline constexpr const char* kLogLevelNames[] = {"internal", "debug", "call", "note",
                                                 "warning",  "error", "none"};

}  // namespace ralloc
