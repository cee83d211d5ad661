// Refuses a Config that cannot work, with what to do about it. The ranges are those of config.h.
//
// Thread safety: nothing here is run.
#pragma once

#include "shim/config.h"

namespace ralloc {

// --- Layout ----------------------------------------------------------------------------------
static_assert(Config::kPageShift == 16,
              "leave Config::kPageShift at 16: size classes and keys are made for it");
static_assert(is_power_of_two(Config::kSector) && Config::kSector >= 64 * kKiB &&
                  Config::kSector <= Config::kArenaAlign,
              "make Config::kSector a power of two from 64 KiB to kArenaAlign");
static_assert(is_power_of_two(Config::kArenaAlign) && Config::kArenaAlign <= Config::kArenaPiece,
              "make Config::kArenaAlign a power of two from kSector to kArenaPiece");
static_assert(is_power_of_two(Config::kArenaPiece) && Config::kArenaPiece <= 1024 * kMiB,
              "make Config::kArenaPiece a power of two from kArenaAlign to 1 GiB");
static_assert(is_power_of_two(Config::kMetadataChunk) && Config::kMetadataChunk >= 64 * kKiB &&
                  Config::kMetadataChunk <= 64 * kMiB,
              "make Config::kMetadataChunk a power of two from 64 KiB to 64 MiB");
static_assert(Config::kWindowBitsLeast >= 19 && Config::kWindowBitsLeast <= Config::kWindowBits,
              "make Config::kWindowBitsLeast 19 to kWindowBits");
static_assert(Config::kWindowBits <= 28,
              "make Config::kWindowBits 28 at most: the page map takes 16 bytes for each page");

// --- Growth ----------------------------------------------------------------------------------
static_assert(Config::commit_bytes(1, 0) >= 1 &&
                  Config::commit_bytes(Config::kArenaPiece, 64 * Config::kArenaPiece) >=
                      Config::kArenaPiece,
              "let Config::commit_bytes return `needed` at least");

// --- Shards ----------------------------------------------------------------------------------
static_assert(Config::kShardsMost >= 1 && Config::kShardsMost <= 128,
              "make Config::kShardsMost 1 to 128: a key has no bits for more");
static_assert(Config::shard_count(1) >= 1 && Config::shard_count(64) >= 1,
              "let Config::shard_count return 1 at least");
static_assert(Config::kLedgersMost >= 1 && Config::kLedgersMost <= 32,
              "make Config::kLedgersMost 1 to 32");
static_assert(Config::ledger_count(1) >= 1 && Config::ledger_count(128) >= 1,
              "let Config::ledger_count return 1 at least");
static_assert(Config::kLedgerBytes >= Config::kSector && Config::kLedgerBytes <= 1024 * kMiB,
              "make Config::kLedgerBytes kSector to 1 GiB");
static_assert(Config::kSpinTries <= 1'000'000,
              "make Config::kSpinTries 1000000 at most: a waiter should sleep at last");
static_assert(Config::kSpareBytes <= 1024 * kMiB, "make Config::kSpareBytes 1 GiB at most");
static_assert(Config::large_spare_bytes(1) <= 1024 * 1024 * kMiB,
              "let Config::large_spare_bytes return 1 TiB at most");

// --- From the local pool to the global pool --------------------------------------------------
static_assert(Config::kMagazineBaseBytes <= Config::kMagazineBytes,
              "make Config::kMagazineBaseBytes kMagazineBytes at most: it is the smaller of two");
static_assert(Config::kMagazineBytes <= 1024 * kMiB,
              "make Config::kMagazineBytes 1 GiB at most");
static_assert(Config::kMagazineBlocks >= 15 && Config::kMagazineBlocks <= 2047,
              "make Config::kMagazineBlocks 15 to 2047: no record is larger than such an array");
static_assert(Config::kBatchBlocks >= 1 && Config::kBatchBlocks <= 32767,
              "make Config::kBatchBlocks 1 to 32767: a refill must bring a block");
static_assert(Config::kPoolBytes <= 1024 * 1024 * kMiB &&
                  Config::kAllPoolsBytes <= 1024 * 1024 * kMiB,
              "make Config::kPoolBytes and Config::kAllPoolsBytes 1 TiB at most");
static_assert(Config::kLargeKeptMost <= 4 * kMiB,
              "make Config::kLargeKeptMost 4 MiB at most: there are stacks for 64 lengths");
static_assert(Config::kLargeKeptMost <= Config::kLargeKeptBytes &&
                  Config::kLargeKeptBytes <= 1024 * kMiB,
              "make Config::kLargeKeptBytes kLargeKeptMost to 1 GiB: it holds one of the largest");
static_assert(is_power_of_two(Config::kLineBytes) && Config::kLineBytes >= 16,
              "make Config::kLineBytes a power of two from 16");
static_assert(Config::kOutgoingFirst >= 1 && Config::kOutgoingFirst <= 127,
              "make Config::kOutgoingFirst 1 to 127");
static_assert(Config::kOutgoingBlocks >= Config::kOutgoingFirst &&
                  Config::kOutgoingBlocks <= 1023,
              "make Config::kOutgoingBlocks kOutgoingFirst to 1023: twice as many are a record");
static_assert(Config::kOutgoingBytes <= 1024 * kMiB,
              "make Config::kOutgoingBytes 1 GiB at most");
static_assert(Config::kSwingEvents <= 1'000'000, "make Config::kSwingEvents 1000000 at most");
static_assert(Config::kIdleScanEvents >= 1 && Config::kIdleScanEvents <= 1'000'000,
              "make Config::kIdleScanEvents 1 to 1000000");
static_assert(Config::kValidateEvents >= 1 && Config::kValidateEvents <= 1'000'000'000,
              "make Config::kValidateEvents 1 to 1000000000");
static_assert(Config::kClockEvents >= 1 && Config::kClockEvents <= 1'000'000,
              "make Config::kClockEvents 1 to 1000000");

// --- From the global pool to the OS ----------------------------------------------------------
static_assert(Config::kDecayMs <= 1'000'000'000,
              "make Config::kDecayMs 1000000000 at most, which is eleven days");
static_assert(Config::kDecayBytes >= 64 * kKiB && Config::kDecayBytes <= 1024 * 1024 * kMiB,
              "make Config::kDecayBytes 64 KiB to 1 TiB: a go must get somewhere");
static_assert(Config::kPurgeLeast <= 1024 * kMiB, "make Config::kPurgeLeast 1 GiB at most");
static_assert(Config::dirty_kept(Config::kDirtyMost) <= Config::kDirtyMost &&
                  Config::dirty_kept(0) == 0 && Config::dirty_kept(64 * kMiB) <= 64 * kMiB,
              "let Config::dirty_kept return `most` at most: it is where trimming stops");

// --- Reallocation ----------------------------------------------------------------------------
static_assert(Config::room_to_grow(0) == 0 && Config::room_to_grow(64 * kMiB) <= 64 * kMiB,
              "let Config::room_to_grow return `size` at most: it is added to that");

// --- Defences --------------------------------------------------------------------------------
static_assert(Config::kZeroesFreed ||
                  (!Config::kFindsWritesAtReuse && !Config::kFindsWritesAtFlush),
              "set Config::kZeroesFreed: without it nothing says that free bytes are zeros");
static_assert(Config::kCanaries || !Config::kChecksNeighbours,
              "set Config::kCanaries: without it there is nothing to look at");
static_assert(Config::kGuardedMost <= 1'000'000, "make Config::kGuardedMost 1000000 at most");
static_assert(Config::kGuardInterval == 0 || (Config::kGuardInterval >= 1 * kMiB &&
                                              Config::kGuardInterval <= Config::kArenaPiece),
              "make Config::kGuardInterval 0, or 1 MiB to kArenaPiece");
static_assert(Config::kThreadQuarantineBytes <= 1024 * kMiB,
              "make Config::kThreadQuarantineBytes 1 GiB at most");
static_assert(Config::kThreadQuarantineSwaps == 0 ||
                  (is_power_of_two(Config::kThreadQuarantineSwaps) &&
                   Config::kThreadQuarantineSwaps <= 256),
              "make Config::kThreadQuarantineSwaps 0, or a power of two to 256");
static_assert(Config::kLargeQuarantineBytes <= SIZE_MAX / 4,
              "make Config::kLargeQuarantineBytes SIZE_MAX / 4 at most");
static_assert(Config::kLargeOpenMost <= 64 * kMiB, "make Config::kLargeOpenMost 64 MiB at most");
static_assert(Config::kLargeOpenBytes <= SIZE_MAX / 4,
              "make Config::kLargeOpenBytes SIZE_MAX / 4 at most");

// --- What the user is told -------------------------------------------------------------------
static_assert(Config::kLogLevel <= LogLevel::kNone, "make Config::kLogLevel one of LogLevel's");
static_assert(Config::kLogFd >= 0 && Config::kLogFd <= 1'000'000,
              "make Config::kLogFd a file descriptor, 0 to 1000000");
static_assert(Config::kQuarantineBytes <= SIZE_MAX / 4,
              "make Config::kQuarantineBytes SIZE_MAX / 4 at most");

}  // namespace ralloc
