#!/usr/bin/env python3
"""Configurations that cannot work do not compile, and the compiler's message says what to do; those
that are given to be used do.

  refused.py CXX
"""
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CHECKS = os.path.join(ROOT, "shim/config_checks.h")
EXAMPLE = os.path.join(ROOT, "examples/config/small_memory.h")
STRUCT = "namespace ralloc {{ struct Config : DefaultConfig {{ static constexpr {} }}; }}\n"

# (what a Config says, part of the sentence)
REFUSED = [
    ("unsigned kPageShift = 12;", "leave Config::kPageShift at 16"),
    ("std::size_t kArenaPiece = 48 * kMiB;", "make Config::kArenaPiece a power of two"),
    ("std::size_t kArenaAlign = 128 * kMiB;", "make Config::kArenaAlign a power of two"),
    ("std::size_t kSector = 4 * kKiB;", "make Config::kSector a power of two"),
    ("std::size_t kMetadataChunk = 4 * kKiB;", "make Config::kMetadataChunk a power of two"),
    ("unsigned kWindowBits = 40;", "make Config::kWindowBits 28 at most"),
    ("unsigned kWindowBitsLeast = 10;", "make Config::kWindowBitsLeast 19 to kWindowBits"),
    ("std::size_t commit_bytes(std::size_t, std::size_t) { return 0; }",
     "let Config::commit_bytes return `needed` at least"),
    ("unsigned kShardsMost = 256;", "make Config::kShardsMost 1 to 128"),
    ("unsigned shard_count(unsigned cores) { return cores / 2; }",
     "let Config::shard_count return 1 at least"),
    ("unsigned kLedgersMost = 0;", "make Config::kLedgersMost 1 to 32"),
    ("unsigned ledger_count(unsigned) { return 0; }", "let Config::ledger_count return 1 at least"),
    ("std::size_t kLedgerBytes = 0;", "make Config::kLedgerBytes kSector to 1 GiB"),
    ("std::size_t kSpareBytes = SIZE_MAX;", "make Config::kSpareBytes 1 GiB at most"),
    ("std::size_t large_spare_bytes(unsigned) { return SIZE_MAX; }",
     "let Config::large_spare_bytes return 1 TiB at most"),
    ("unsigned kSpinTries = ~0u;", "make Config::kSpinTries 1000000 at most"),
    ("std::size_t kMagazineBaseBytes = 8 * kMiB;", "make Config::kMagazineBaseBytes"),
    ("std::size_t kMagazineBytes = 4096 * kMiB;", "make Config::kMagazineBytes 1 GiB at most"),
    ("std::size_t kMagazineBlocks = 2048;", "make Config::kMagazineBlocks 15 to 2047"),
    ("std::size_t kBatchBlocks = 0;", "make Config::kBatchBlocks 1 to 32767"),
    ("std::size_t kPoolBytes = SIZE_MAX;", "make Config::kPoolBytes and Config::kAllPoolsBytes 1"),
    ("std::size_t kAllPoolsBytes = SIZE_MAX;", "make Config::kPoolBytes and Config::kAllPoolsBytes"),
    ("std::size_t kLargeKeptMost = 8 * ralloc::kMiB;", "make Config::kLargeKeptMost 4 MiB at most"),
    ("std::size_t kLargeKeptBytes = 8 * ralloc::kKiB;",
     "make Config::kLargeKeptBytes kLargeKeptMost to 1 GiB"),
    ("std::size_t kLineBytes = 48;", "make Config::kLineBytes a power of two from 16"),
    ("std::size_t kOutgoingFirst = 0;", "make Config::kOutgoingFirst 1 to 127"),
    ("std::size_t kOutgoingBlocks = 7;", "make Config::kOutgoingBlocks kOutgoingFirst to 1023"),
    ("std::size_t kOutgoingBlocks = 1024;", "make Config::kOutgoingBlocks kOutgoingFirst to 1023"),
    ("std::size_t kOutgoingBytes = SIZE_MAX;", "make Config::kOutgoingBytes 1 GiB at most"),
    ("unsigned kSwingEvents = ~0u;", "make Config::kSwingEvents 1000000 at most"),
    ("unsigned kIdleScanEvents = 0;", "make Config::kIdleScanEvents 1 to 1000000"),
    ("unsigned kValidateEvents = 0;", "make Config::kValidateEvents 1 to 1000000000"),
    ("unsigned kClockEvents = 0;", "make Config::kClockEvents 1 to 1000000"),
    ("std::uint64_t kDecayMs = ~0ull;", "make Config::kDecayMs 1000000000 at most"),
    ("std::size_t kDecayBytes = 0;", "make Config::kDecayBytes 64 KiB to 1 TiB"),
    ("std::size_t kPurgeLeast = SIZE_MAX;", "make Config::kPurgeLeast 1 GiB at most"),
    ("std::size_t dirty_kept(std::size_t most) { return most + 1; }",
     "let Config::dirty_kept return `most` at most"),
    ("std::size_t room_to_grow(std::size_t size) { return 3 * size; }",
     "let Config::room_to_grow return `size` at most"),
    ("bool kCanaries = false;", "set Config::kCanaries"),
    ("bool kZeroesFreed = false;", "set Config::kZeroesFreed"),
    ("bool kZeroesFreed = false, kFindsWritesAtReuse = false;", "set Config::kZeroesFreed"),
    ("bool kZeroesFreed = false, kFindsWritesAtFlush = false;", "set Config::kZeroesFreed"),
    ("std::size_t kGuardedMost = SIZE_MAX;", "make Config::kGuardedMost 1000000 at most"),
    ("std::size_t kGuardInterval = 512 * kKiB;", "make Config::kGuardInterval 0, or 1 MiB to"),
    ("std::size_t kGuardInterval = kArenaPiece + 1;", "make Config::kGuardInterval 0, or 1 MiB to"),
    ("std::size_t kThreadQuarantineBytes = SIZE_MAX;", "make Config::kThreadQuarantineBytes 1 GiB"),
    ("std::size_t kThreadQuarantineSwaps = 48;",
     "make Config::kThreadQuarantineSwaps 0, or a power of two"),
    ("std::size_t kThreadQuarantineSwaps = 512;",
     "make Config::kThreadQuarantineSwaps 0, or a power of two"),
    ("std::size_t kLargeQuarantineBytes = SIZE_MAX;",
     "make Config::kLargeQuarantineBytes SIZE_MAX / 4"),
    ("std::size_t kLargeOpenMost = 65 * ralloc::kMiB;", "make Config::kLargeOpenMost 64 MiB"),
    ("std::size_t kLargeOpenBytes = SIZE_MAX;", "make Config::kLargeOpenBytes SIZE_MAX / 4"),
    ("LogLevel kLogLevel = LogLevel{7};", "make Config::kLogLevel one of LogLevel's"),
    ("int kLogFd = -1;", "make Config::kLogFd a file descriptor"),
    ("std::size_t kQuarantineBytes = SIZE_MAX;", "make Config::kQuarantineBytes SIZE_MAX / 4"),
]
ACCEPTED = [
    "std::uint64_t kDecayMs = 0;",
    "unsigned shard_count(unsigned) { return 1; }",
    "std::size_t kMagazineBaseBytes = 0;",
    "std::size_t kDirtyMost = 0;",
    "bool kZeroesFreed = false, kFindsWritesAtReuse = false, kFindsWritesAtFlush = false;",
    "bool kCanaries = false, kChecksNeighbours = false;",
    "std::size_t kGuardInterval = 0;",
    "std::size_t kThreadQuarantineSwaps = 0;",
    "std::size_t kThreadQuarantineSwaps = 256;",
    "bool kDeepbind = true;",
]


def said(compiler, header):
    """The messages about the configuration; none if it compiles."""
    done = subprocess.run(
        [compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-x", "c++", "-",
         "-I", ROOT, f'-DRALLOC_CONFIG_HEADER="{header}"'],
        input='#include "shim/options.h"\n', capture_output=True, text=True, check=False)
    return done.stderr if done.returncode != 0 else None


def untried():
    """The sentences of the checks that nothing here asks for."""
    with open(CHECKS, encoding="utf-8") as file:
        sentences = re.findall(r'"((?:leave|make|let|set) Config::[^"]*)"', file.read())
    return [sentence for sentence in sentences
            if not any(expected in sentence for _, expected in REFUSED)]


def main():
    failed = 0
    for sentence in untried():
        failed += 1
        print(f"no configuration is refused with: {sentence}")
    with tempfile.TemporaryDirectory() as directory:
        header = os.path.join(directory, "config.h")

        def tried(member):
            with open(header, "w", encoding="utf-8") as file:
                file.write(STRUCT.format(member))
            return said(sys.argv[1], header)

        for member, sentence in REFUSED:
            messages = tried(member)
            if messages is None or sentence not in messages:
                failed += 1
                print(f"{member} is not refused with {sentence!r}: {messages}")
        for member in ACCEPTED:
            if (messages := tried(member)) is not None:
                failed += 1
                print(f"{member} is refused: {messages}")
    if (messages := said(sys.argv[1], EXAMPLE)) is not None:
        failed += 1
        print(f"{EXAMPLE} is refused: {messages}")
    print(f"{len(REFUSED) + len(ACCEPTED) + 1 - failed} configurations are as they should be")
    sys.exit(failed)


if __name__ == "__main__":
    main()
