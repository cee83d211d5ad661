// A configuration for machines with little memory and few cores: magazines are small, free
// memory goes back soon, and a process that cannot get any leaves, to be started again.
//
//   cmake --preset custom
//   cmake -B build -DRALLOC_CONFIG=examples/config/small_memory.h        the same without a preset
//
// docs/configuration.md says what each of these means and which values it may have.
//
// Thread safety: constants, pure functions, and a handler that any thread may call.
#pragma once

#include <stdlib.h>

namespace ralloc {

// EX_TEMPFAIL: whoever started the process may try again later.
[[noreturn]] inline void leave_for_restart(std::size_t, std::size_t) { _Exit(75); }

struct Config : DefaultConfig {
  // Address space: 64 GiB at most, in pieces that fit beside others under ulimit -v.
  static constexpr std::size_t kArenaPiece = 8 * kMiB;
  static constexpr std::size_t kMetadataChunk = 128 * kKiB;
  static constexpr unsigned kWindowBits = 20;

  // A heap grows by a quarter, in steps of 512 KiB or more.
  static constexpr std::size_t commit_bytes(std::size_t needed, std::size_t held) {
    const std::size_t step = held / 4 < 512 * kKiB ? 512 * kKiB : held / 4;
    return needed < step ? step : needed;
  }

  // One shard for each core: fewer spans that are part full.
  static constexpr unsigned shard_count(unsigned cores) { return cores; }

  // A thread keeps 512 KiB of free blocks at most, beyond a few of each size.
  static constexpr std::size_t kMagazineBaseBytes = 8 * kKiB;
  static constexpr std::size_t kMagazineBytes = 256 * kKiB;
  static constexpr std::size_t kPoolBytes = 512 * kKiB;
  static constexpr std::size_t kAllPoolsBytes = 8 * kMiB;
  static constexpr std::size_t kOutgoingBytes = 32 * kKiB;

  // Free memory goes back after a fifth of a second, and at once beyond 16 MiB, down to 4 MiB;
  // single pages stay, until their neighbours are free too.
  static constexpr std::uint64_t kDecayMs = 200;
  static constexpr std::size_t kDirtyMost = 16 * kMiB;
  static constexpr std::size_t dirty_kept(std::size_t most) { return most / 4; }
  static constexpr std::size_t kPurgeLeast = 128 * kKiB;

  // Shrunk blocks give back what they can, and none gets room to grow.
  static constexpr bool stays_when_shrunk(std::size_t block_size, std::size_t size) {
    return size > block_size / 4 * 3;
  }
  static constexpr bool is_tail_cut(std::size_t /*size*/, std::size_t /*tail*/) { return true; }
  static constexpr bool moves_by_pages(std::size_t size) { return size >= 512 * kKiB; }
  static constexpr std::size_t room_to_grow(std::size_t /*size*/) { return 0; }
  static constexpr std::size_t taken_ahead(std::size_t /*size*/) { return 0; }

  static constexpr LogLevel kLogLevel = LogLevel::kWarning;
  static constexpr void (*kOomHandler)(std::size_t size, std::size_t align) = leave_for_restart;
};

}  // namespace ralloc
