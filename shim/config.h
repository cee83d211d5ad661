// Every tunable of the allocator, in one struct, and which variant this build is.
//
// Thread safety: constants only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shim/log_level.h"

namespace ralloc {

#if defined(RALLOC_DEBUG)
inline constexpr bool kDebug = true;
#else
inline constexpr bool kDebug = false;
#endif

// The variants of the build; each is an option of CMake's, and they combine.
#if defined(RALLOC_LOG)
inline constexpr bool kLog = true;
#else
inline constexpr bool kLog = false;
#endif
#if defined(RALLOC_DEBUGGER)
inline constexpr bool kDebugger = true;
#else
inline constexpr bool kDebugger = false;
#endif

// The stress tests have memory decay while it is wanted again.
#if defined(RALLOC_DECAY_MS)
inline constexpr std::uint64_t kChosenDecayMs = RALLOC_DECAY_MS;
#else
inline constexpr std::uint64_t kChosenDecayMs = 1000;
#endif

inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;

struct DefaultConfig {
  // --- Pages and arena -------------------------------------------------------------------
  // The allocator's page: the grain of spans, of the page map and of large blocks.
  static constexpr unsigned kPageShift = 16;
  // Address space is reserved in pieces of this size, aligned for huge pages ...
  static constexpr std::size_t kArenaPiece = 64 * kMiB;
  static constexpr std::size_t kArenaAlign = 2 * kMiB;
  // ... or smaller ones, down to a sector, when the process may not reserve more (ulimit -v).
  static constexpr std::size_t kSector = 1 * kMiB;
  // Backing is committed in steps, so that a growing heap makes few system calls.
  static constexpr std::size_t kCommitStep = 4 * kMiB;
  // Metadata is mapped in chunks of this size.
  static constexpr std::size_t kMetadataChunk = 256 * kKiB;
  // The page map covers a window of 2^24 pages, and so at most 1 TiB of memory, at 16 bytes of
  // (untouched) address space a page. Under a limit on address space it covers as much as
  // that, but at least 2^19 pages.
  static constexpr unsigned kWindowBits = 24;
  static constexpr unsigned kWindowBitsLeast = 19;

  // --- Shards ------------------------------------------------------------------------------
  static constexpr unsigned kShardsPerCore = 4;
  static constexpr unsigned kShardsMost = 128;
  // A waiter looks this often at a held mutex before it sleeps: about the time of one batch.
  static constexpr unsigned kSpinTries = 100;

  // --- Local pools -------------------------------------------------------------------------
  // A magazine may always grow to this many bytes: enough for its batches to be cheap. It
  // grows further only while it swings, that is, when one of its refills or flushes follows
  // another within so many of the pool; at most to so many bytes and blocks.
  static constexpr std::size_t kMagazineBaseBytes = 32 * kKiB;
  static constexpr unsigned kSwingEvents = 8;
  static constexpr std::size_t kMagazineBytes = 4 * kMiB;
  static constexpr std::size_t kMagazineBlocks = 2047;
  // One refill or flush moves at most this many blocks: enough to make the lock's share of
  // each small, few enough that a magazine does not swing between empty and full.
  static constexpr std::size_t kBatchBlocks = 128;
  // All magazines of one thread, and those of all threads, may hold this much.
  static constexpr std::size_t kPoolBytes = 8 * kMiB;
  static constexpr std::size_t kAllPoolsBytes = 128 * kMiB;
  // Blocks of other shards wait for a batch of this many blocks or bytes.
  static constexpr std::size_t kOutgoingBlocks = 511;
  static constexpr std::size_t kOutgoingBytes = 256 * kKiB;
  // The first array for them has this many places.
  static constexpr std::size_t kOutgoingFirst = 15;
  // After so many refills and flushes a pool looks for magazines that stay unused.
  static constexpr unsigned kIdleScanEvents = 256;
  // Debug builds walk every structure of the bookkeeper after so many of them.
  static constexpr unsigned kValidateEvents = 4096;
  // After so many refills and flushes a pool looks at the clock for the decay.
  static constexpr unsigned kClockEvents = 16;

  // --- Returning memory ----------------------------------------------------------------------
  // Dirty free memory goes back to the OS after this time (milliseconds).
  static constexpr std::uint64_t kDecayMs = kChosenDecayMs;
  // One thread returns at most about this much in one go, to bound the pause.
  static constexpr std::size_t kDecayBytes = 32 * kMiB;

  // --- Reallocation ----------------------------------------------------------------------------
  // From here on a block that must move to grow does so by its pages, into a mapping of its
  // own, not by copying.
  static constexpr std::size_t kRemapBytes = 2 * kMiB;
  // A large block that had to move to grow gets 1/8 more address space than it asked for.
  static constexpr std::size_t kGrowthShare = 8;

  // --- What the user is told ---------------------------------------------------------------------
  // What the log build writes, and to which file descriptor.
  static constexpr LogLevel kLogLevel = LogLevel::kNote;
  static constexpr int kLogFd = 2;
  // Whether the blocks that are live at exit are listed.
  static constexpr bool kLeaks = false;
};

}  // namespace ralloc

// A builder's own header (CMake's RALLOC_CONFIG) defines ralloc::Config, derived from the default.
#if defined(RALLOC_CONFIG_HEADER)
#include RALLOC_CONFIG_HEADER
#else
namespace ralloc {
struct Config : DefaultConfig {};
}  // namespace ralloc
#endif
