// The defences of the security build, as a policy: each is a constant that the code asks by
// `if constexpr`, and all are off in the other builds. docs/security.md says what each stops.
//
// Thread safety: constants.
#pragma once

#include <cstddef>
#include <type_traits>

#include "shim/config.h"

namespace ralloc {

struct NoDefences {
  // There is a state for every block, out of line, which has its size to the byte.
  static constexpr bool kStates = false;
  static constexpr bool kExchangesStates = false;
  static constexpr bool kChecksSizes = false;
  static constexpr bool kZeroesFreed = false;
  static constexpr bool kFindsWritesAtReuse = false;
  static constexpr bool kFindsWritesAtFlush = false;
  static constexpr bool kCanaries = false;
  static constexpr bool kChecksNeighbours = false;
  static constexpr bool kGuardsLarge = false;
  static constexpr std::size_t kGuardedMost = 0;
  static constexpr std::size_t kGuardedForBallast = 0;
  static constexpr std::size_t kGuardInterval = 0;
  static constexpr bool kGuardsRecords = false;
  static constexpr bool kShufflesBlocks = false;
  static constexpr bool kRandomBases = false;
  static constexpr std::size_t kThreadQuarantineBytes = 0;
  static constexpr std::size_t kThreadQuarantineSwaps = 0;
  static constexpr std::size_t kLargeQuarantineBytes = 0;
  static constexpr std::size_t kLargeOpenMost = 0;
  static constexpr std::size_t kLargeOpenBytes = 0;
  static constexpr bool kGuardsEmptyBlocks = false;
};

// Those that the configuration leaves on.
struct ChosenDefences {
  static constexpr bool kStates = true;
  static constexpr bool kExchangesStates = Config::kExchangesStates;
  static constexpr bool kChecksSizes = Config::kChecksSizes;
  static constexpr bool kZeroesFreed = Config::kZeroesFreed;
  static constexpr bool kFindsWritesAtReuse = Config::kFindsWritesAtReuse;
  static constexpr bool kFindsWritesAtFlush = Config::kFindsWritesAtFlush;
  static constexpr bool kCanaries = Config::kCanaries;
  static constexpr bool kChecksNeighbours = Config::kChecksNeighbours;
  static constexpr bool kGuardsLarge = Config::kGuardsLarge;
  static constexpr std::size_t kGuardedMost = Config::kGuardedMost;
  // For each so many of them two mappings are kept, for when the process has no others; 0 is none.
  static constexpr std::size_t kGuardedForBallast = 8;
  static constexpr std::size_t kGuardInterval = Config::kGuardInterval;
  static constexpr bool kGuardsRecords = Config::kGuardsRecords;
  static constexpr bool kShufflesBlocks = Config::kShufflesBlocks;
  static constexpr bool kRandomBases = Config::kRandomBases;
  static constexpr std::size_t kThreadQuarantineBytes = Config::kThreadQuarantineBytes;
  static constexpr std::size_t kThreadQuarantineSwaps = Config::kThreadQuarantineSwaps;
  static constexpr std::size_t kLargeQuarantineBytes = Config::kLargeQuarantineBytes;
  // Only what is zeros may be read.
  static constexpr std::size_t kLargeOpenMost = Config::kZeroesFreed ? Config::kLargeOpenMost : 0;
  static constexpr std::size_t kLargeOpenBytes = Config::kLargeOpenBytes;
  static constexpr bool kGuardsEmptyBlocks = Config::kGuardsEmptyBlocks;
};

using Defences = std::conditional_t<kSecure, ChosenDefences, NoDefences>;

}  // namespace ralloc
