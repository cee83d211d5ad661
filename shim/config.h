// Every tunable of the allocator, in one struct, and which variant this build is.
//
// docs/configuration.md has all of it in tables, checked against this file, and says how to
// put a struct of your own in its place.
//
// Thread safety: constants and pure functions.
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
#if defined(RALLOC_SECURE)
inline constexpr bool kSecure = true;
#else
inline constexpr bool kSecure = false;
#endif

inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;

// (std::has_single_bit calls a function of the compiler's for processors that cannot count bits.)
constexpr bool is_power_of_two(std::size_t n) { return n != 0 && (n & (n - 1)) == 0; }

/// What ships. A `Config` derived from it says what is to be different; no function here uses
/// one of the constants, so that each can be replaced alone. Those of which "Option:" is said are
/// the defaults of what can be chosen when the program starts (shim/options.h).
struct DefaultConfig {
  // --- Layout ------------------------------------------------------------------------------

  /// The allocator's page, as a power of two: the grain of spans, page map and large blocks.
  /// Unit: bits. Range: 16.
  /// Why: of 32 KiB blocks there are two in one, and the page map costs 16 bytes for each.
  static constexpr unsigned kPageShift = 16;
  /// Address space is reserved in pieces of this size, or of less where the process may not
  /// have so much (ulimit -v); a block of more than half of it gets a piece to itself.
  /// Unit: bytes. Range: a power of two, kSector to 1 GiB.
  /// Why: addresses cost nothing, and few pieces mean few mappings.
  static constexpr std::size_t kArenaPiece = 64 * kMiB;
  /// Pieces that are a multiple of this begin at one.
  /// Unit: bytes. Range: a power of two, kSector to kArenaPiece.
  /// Why: the size of a huge page on x86-64.
  static constexpr std::size_t kArenaAlign = 2 * kMiB;
  /// The unit of reserving and releasing addresses, and so of the smallest piece.
  /// Unit: bytes. Range: a power of two, 64 KiB to kArenaAlign.
  /// Why: smaller pieces are many mappings, and larger ones do not fit under a low ulimit -v.
  static constexpr std::size_t kSector = 1 * kMiB;
  /// The allocator's own records are mapped in chunks of this size.
  /// Unit: bytes. Range: a power of two, 64 KiB to 64 MiB.
  /// Why: a small program needs one.
  static constexpr std::size_t kMetadataChunk = 256 * kKiB;
  /// The page map covers a window of so many pages, as a power of two: all memory there can be.
  /// Unit: bits. Range: kWindowBitsLeast to 28.
  /// Why: 1 TiB for 256 MiB of addresses that are not touched.
  static constexpr unsigned kWindowBits = 24;
  /// Under a limit on address space the window covers as much as that, but not less than this.
  /// Unit: bits. Range: 19 to kWindowBits.
  /// Why: the least by which a foreign page is told from the allocator's own.
  static constexpr unsigned kWindowBitsLeast = 19;

  // --- Growth ------------------------------------------------------------------------------

  /// How much backing to ask of the OS when `needed` bytes are missing and the arena has `held`:
  /// not less than `needed`; it is cut off at the end of the piece.
  /// Unit: bytes. Range: needed to kArenaPiece.
  /// Why: a growing heap makes few system calls; untouched memory costs nothing.
  static constexpr std::size_t commit_bytes(std::size_t needed, std::size_t /*held*/) {
    return needed < 4 * kMiB ? 4 * kMiB : needed;
  }

  // --- Shards ------------------------------------------------------------------------------

  /// How many shards there are on a machine on which the process may use `cores`. Option: shards.
  /// Unit: shards. Range: 1 to kShardsMost.
  /// Why: a thread's mutex is almost always free; with more threads than shards they share. With
  /// four to a core eight threads on two took a sixth more memory for spans, at the same speed.
  static constexpr unsigned shard_count(unsigned cores) { return 2 * cores; }
  /// Room for so many shards; those that are not used are not touched.
  /// Unit: shards. Range: 1 to 128.
  /// Why: what a key in the page map has bits for.
  static constexpr unsigned kShardsMost = 128;
  /// How many ledgers there are where there are so many shards. Each has a mutex, free runs of pages, and
  /// sectors of the arena that it keeps. One where dirty_bytes or ulimit -v limits memory, and in the
  /// security build. Option: ledgers.
  /// Unit: ledgers. Range: 1 to kLedgersMost.
  /// Why: one for four cores. On sixteen cores threads with blocks of 64 KiB to 4 MiB wait for each other
  /// most of the time at one mutex; with four they take a quarter of the time and a third more memory, with
  /// eight a fifth and half more.
  static constexpr unsigned ledger_count(unsigned shards) { return shards < 16 ? 1 : shards / 8; }
  /// Room for so many ledgers; those that are not used take none.
  /// Unit: ledgers. Range: 1 to 32.
  /// Why: what kShardsMost shards have.
  static constexpr unsigned kLedgersMost = 16;
  /// When a ledger but the first needs pages that no other has, it gets so much of the arena.
  /// Unit: bytes. Range: kSector to 1 GiB.
  /// Why: half a piece with the sector that it may lose to its alignment. With 8 MiB buffers that grow to
  /// 4 MiB found no room, and moved up to four times as often; what is not used has no backing.
  static constexpr std::size_t kLedgerBytes = 31 * kMiB;
  /// A shard keeps spans of which all blocks are free, the last of each class, and of all of them
  /// so much: they would come back soon, and a ledger's mutex is the same for many threads. What
  /// nobody takes within a quarter of the decay time leaves.
  /// Unit: bytes. Range: 0 (none) to 1 GiB.
  /// Why: one for each of sixty classes up to 4 KiB. With 1 MiB half of the spans of threads that
  /// come and go with 32 sizes went to the ledger and back.
  static constexpr std::size_t kSpareBytes = 4 * kMiB;
  /// A shard keeps large blocks of more than kLargeKeptMost, of lengths that its threads free and take
  /// again, up to so much; one of them is half of that at most. What nobody takes within a quarter of the
  /// decay time leaves, and all of them before the arena grows. None where dirty_bytes limits what is
  /// free, or kLargeKeptMost is 0.
  /// Unit: bytes. Range: 0 (none) to 1 TiB.
  /// Why: two of 32 MiB on two cores, one of 4 MiB on many; what is done with longer ones takes far
  /// longer than to get them.
  static constexpr std::size_t large_spare_bytes(unsigned shards) {
    return shards < 32 ? 256 * kMiB / shards : 8 * kMiB;
  }
  /// A waiter looks this often at a held mutex before it sleeps.
  /// Unit: looks. Range: 0 to 1000000.
  /// Why: about the time of one batch.
  static constexpr unsigned kSpinTries = 100;

  // --- From the local pool to the global pool ----------------------------------------------

  /// A magazine may always grow to this much where its thread has a shard alone, but to its first room of
  /// 3 to 15 blocks at least.
  /// Unit: bytes. Range: 0 to kMagazineBytes.
  /// Why: on bench/server_load 64 KiB took 2 MiB more at the same throughput.
  static constexpr std::size_t kMagazineBaseBytes = 32 * kKiB;
  /// How often that is halved where so many threads are at home in one shard. Idle threads count too, and
  /// in a forked child those of its parent; a magazine that has more room keeps it while it is used.
  /// Unit: halvings. Range: any; beyond 11 only first rooms are left.
  /// Why: what a thread's magazines hold is idle while it waits for a core. With sixteen threads on two
  /// cores bench/server_load takes 12 % less memory, at the same throughput.
  static constexpr unsigned base_halvings(std::size_t threads) {
    return threads < 2 ? 0 : threads < 4 ? 1 : 2;
  }
  /// It grows further only while it swings: its refills and flushes are at most so many events
  /// of the pool apart.
  /// Unit: events. Range: 0 to 1000000.
  /// Why: growing at every miss took 92 MiB on bench/server_load, growing while it swings 82.
  static constexpr unsigned kSwingEvents = 8;
  /// A swinging magazine grows to this much at most, but always to its first room of 3 to 15
  /// blocks. Option: magazine_bytes.
  /// Unit: bytes. Range: kMagazineBaseBytes to 1 GiB.
  /// Why: half of kPoolBytes, so that one class cannot use up what all have.
  static constexpr std::size_t kMagazineBytes = 4 * kMiB;
  /// And to so many blocks.
  /// Unit: blocks. Range: 15 to 2047.
  /// Why: 2^k - 1, and the null under them, fill whole pages.
  static constexpr std::size_t kMagazineBlocks = 2047;
  /// One refill or flush moves at most so many blocks.
  /// Unit: blocks. Range: 1 to 32767.
  /// Why: the lock's share of a block is an instruction then, and the magazine does not swing
  /// between empty and full.
  static constexpr std::size_t kBatchBlocks = 128;
  /// What all magazines of a thread may grow by, beyond their first rooms, and its large blocks.
  /// Option: pool_bytes.
  /// Unit: bytes. Range: 0 to 1 TiB.
  /// Why: two magazines at their most.
  static constexpr std::size_t kPoolBytes = 8 * kMiB;
  /// The same of all threads together. Option: all_pools_bytes.
  /// Unit: bytes. Range: 0 to 1 TiB.
  /// Why: a thousand idle threads cannot pin more.
  static constexpr std::size_t kAllPoolsBytes = 128 * kMiB;
  /// A block of another shard whose size is a multiple of this shares no cache line with others: who
  /// frees it may use it again.
  /// Unit: bytes. Range: a power of two, from 16.
  /// Why: the cache line of x86-64 and of most ARM processors.
  static constexpr std::size_t kLineBytes = 64;
  /// Blocks of other shards go home when there are so many of them. (Only those of up to 512 bytes become
  /// so many before kOutgoingBytes.)
  /// Unit: blocks. Range: kOutgoingFirst to 1023.
  /// Why: grouped by shard, about four batches.
  static constexpr std::size_t kOutgoingBlocks = 511;
  /// Or so many bytes.
  /// Unit: bytes. Range: 0 to 1 GiB.
  /// Why: what a thread keeps from others' use is four pages of them at most. With 64 KiB exchange/slots took
  /// 6 % less memory on eight threads; but where there are many shards a lock would bring one block each.
  static constexpr std::size_t kOutgoingBytes = 256 * kKiB;
  /// The first array for them has so many places.
  /// Unit: blocks. Range: 1 to 127.
  /// Why: it fits into a fresh pool of two OS pages.
  static constexpr std::size_t kOutgoingFirst = 15;
  /// After so many events a pool looks for magazines that stay unused, and halves them.
  /// Unit: events. Range: 1 to 1000000.
  /// Why: about one walk of all classes for 256 locks.
  static constexpr unsigned kIdleScanEvents = 256;
  /// Debug builds walk every structure of the bookkeeper after so many events.
  /// Unit: events. Range: 1 to 1000000000.
  /// Why: a walk of a large heap is slow, and a test that makes many events still has some.
  static constexpr unsigned kValidateEvents = 4096;

  /// A thread keeps large blocks of up to this much when they are freed, for its next ones of the
  /// same length.
  /// Unit: bytes. Range: 0 (none) to 4 MiB.
  /// Why: with more, what is done with a block takes far longer than to get it.
  static constexpr std::size_t kLargeKeptMost = 1 * kMiB;
  /// All of them together; beyond that they go home. It is part of kPoolBytes.
  /// Unit: bytes. Range: kLargeKeptMost to 1 GiB.
  /// Why: one of the largest.
  static constexpr std::size_t kLargeKeptBytes = 1 * kMiB;

  // --- From the global pool to the OS ------------------------------------------------------

  /// After so many events a pool looks at the clock, and whether memory has decayed.
  /// Unit: events. Range: 1 to 1000000.
  /// Why: even a coarse clock is a call, and a busy thread comes by often enough.
  static constexpr unsigned kClockEvents = 16;
  /// Dirty free memory goes back to the OS after this time. Option: decay_ms.
  /// Unit: ms. Range: 0 to 1000000000.
  /// Why: longer than what comes and goes with a request, shorter than an idle time.
  static constexpr std::uint64_t kDecayMs = 1000;
  /// One thread returns at most about this much in one go. Option: decay_bytes.
  /// Unit: bytes. Range: 64 KiB to 1 TiB.
  /// Why: it bounds the pause of the thread that happens to come by.
  static constexpr std::size_t kDecayBytes = 32 * kMiB;
  /// A free run of fewer bytes is not worth a system call by itself: the decay leaves it until
  /// it has merged with others. `malloc_trim` and want of memory do not ask.
  /// Unit: bytes. Range: 0 to 1 GiB.
  /// Why: each run is a page at least, and that is worth it.
  static constexpr std::size_t kPurgeLeast = 0;
  /// When more than this is free and dirty, the oldest of it is returned at once, whatever its
  /// age. Option: dirty_bytes.
  /// Unit: bytes. Range: 0 to SIZE_MAX.
  /// Why: none; what comes and goes within a second is not worth the system calls.
  static constexpr std::size_t kDirtyMost = SIZE_MAX;
  /// Such a trimming stops when no more than this is dirty; `most` is the limit that was passed.
  /// Unit: bytes. Range: 0 to most.
  /// Why: half, so that it does not come again with the next free.
  static constexpr std::size_t dirty_kept(std::size_t most) { return most / 2; }

  // --- Reallocation ------------------------------------------------------------------------

  /// Whether a block of up to 32 KiB stays where it is when only `size` of its `block_size`
  /// bytes are wanted any more; else it moves to a smaller one.
  /// Unit: yes or no. Range: yes or no.
  /// Why: at most as much is wasted as is used.
  static constexpr bool stays_when_shrunk(std::size_t block_size, std::size_t size) {
    return size > block_size / 2;
  }
  /// How much a block of `old_size` bytes gets when it moves in order to have `size`, which is more.
  /// Unit: bytes. Range: from size on.
  /// Why: what grows by little grows again, and the copies of all moves are to be at most five times
  /// the last size.
  static constexpr std::size_t grown_size(std::size_t old_size, std::size_t size) {
    return size > old_size + old_size / 4 ? size : old_size + old_size / 4;
  }
  /// The same of one of the last four blocks up to 32 KiB that realloc moved for that on this thread.
  /// Unit: bytes. Range: from size on.
  /// Why: a block that is known to grow moves half as often; one that is small has not much to waste.
  static constexpr std::size_t grown_again_size(std::size_t old_size, std::size_t size) {
    return old_size < 2 * kKiB && size < 2 * old_size ? 2 * old_size : grown_size(old_size, size);
  }
  /// From how many bytes on a block that grows again gets a page of 64 KiB to itself, in which it grows
  /// without copies.
  /// Unit: bytes. Range: any; beyond 32 KiB: none does.
  /// Why: a buffer that is appended to by eighths to 1 MiB takes a third of the time. From 1 KiB on it
  /// would take no less.
  static constexpr std::size_t kEarlyLeast = 4 * kKiB;
  /// Such pages of all threads, until their blocks need more than 32 KiB or are freed.
  /// Unit: bytes. Range: any; less than 64 KiB: none.
  /// Why: sixteen buffers may grow so at a time, and those that never fill their pages waste no more.
  static constexpr std::size_t kEarlyMost = 1 * kMiB;
  /// How much more than the `size` bytes that it needs a large block takes when it grows where it lies,
  /// if so much is free behind it. It is rounded down to whole pages. Builds with exact sizes take nothing
  /// ahead, nor does a block with a mapping of its own, which grows by whole sectors.
  /// Unit: bytes. Range: any; less than 64 KiB: nothing.
  /// Why: each growth takes a ledger's mutex, which many threads share. A buffer that is appended to by
  /// eighths to 512 KiB beside another takes two thirds of the time; what more brings is little to what
  /// such a block holds, and nobody else can have it.
  static constexpr std::size_t taken_ahead(std::size_t size) {
    return size / 2 < 256 * kKiB ? size / 2 : 256 * kKiB;
  }
  /// Whether the last `tail` of the `size` bytes of a large block are given back when they are no
  /// longer wanted; else they stay with the block. Both are whole pages. What was taken ahead stays.
  /// Unit: yes or no. Range: yes or no.
  /// Why: small cuts would only come back with the next growth.
  static constexpr bool is_tail_cut(std::size_t size, std::size_t tail) { return tail > size / 8; }
  /// Whether a large block of `size` bytes that cannot grow where it is moves by its pages, into
  /// a mapping of its own, and not by copying.
  /// Unit: yes or no. Range: yes or no.
  /// Why: below, a copy is cheap, and a process may have 65530 mappings only.
  static constexpr bool moves_by_pages(std::size_t size) { return size >= 2 * kMiB; }
  /// How much more address space such a mapping gets than the `size` that was asked for.
  /// Unit: bytes. Range: 0 to size.
  /// Why: the next growth is in place, and untouched pages have no backing.
  static constexpr std::size_t room_to_grow(std::size_t size) { return size / 8; }

  // --- Defences, in the security build alone -----------------------------------------------

  /// Whether what is freed is made zero: blocks, parts, what a block shrank by, and the old place of
  /// one that moved.
  /// Unit: yes or no. Range: yes or no.
  /// Why: who reads a block that was freed, or a fresh one, learns nothing.
  static constexpr bool kZeroesFreed = true;
  /// Whether a block that is handed out must be all zeros: else it was written to while it was free.
  /// Unit: yes or no. Range: yes, with kZeroesFreed; or no.
  /// Why: a write after free is found before anybody relies on the bytes.
  static constexpr bool kFindsWritesAtReuse = true;
  /// Whether a block that goes home to its span must be all zeros.
  /// Unit: yes or no. Range: yes, with kZeroesFreed; or no.
  /// Why: such a write is also found where blocks are not used again soon.
  static constexpr bool kFindsWritesAtFlush = true;
  /// Whether a free changes the block's state by one atomic exchange.
  /// Unit: yes or no. Range: yes or no.
  /// Why: of two threads that free a block at the same instant one is told.
  static constexpr bool kExchangesStates = true;
  /// Whether a size or an alignment that is named with a block must be the block's.
  /// Unit: yes or no. Range: yes or no.
  /// Why: a wrong one is a type that was confused.
  static constexpr bool kChecksSizes = true;
  /// Whether eight bytes or more that nobody can guess lie behind each block.
  /// Unit: yes or no. Range: yes or no.
  /// Why: who writes over the end of a block is found when it is freed.
  static constexpr bool kCanaries = true;
  /// Whether a free also looks at the canary of the block before, if that is live; and each refill at
  /// the block that the one before it gave, at its neighbours, and at those that were freed last.
  /// Unit: yes or no. Range: yes, with kCanaries; or no.
  /// Why: who writes over an end, or before a begin, is found sooner.
  static constexpr bool kChecksNeighbours = true;
  /// When the process exits, the small blocks in so much of its spans are looked at, live and free.
  /// Unit: bytes. Range: 0 (none) to SIZE_MAX.
  /// Why: what nobody has freed is found too; some hundredths of a second at most.
  static constexpr std::size_t kCheckedAtExit = 64 * kMiB;
  /// Whether each large block has a mapping of its own, with inaccessible pages around it.
  /// Unit: yes or no. Range: yes or no.
  /// Why: who runs over an end is stopped at once.
  static constexpr bool kGuardsLarge = true;
  /// At most so many large blocks at a time have one.
  /// Unit: blocks. Range: 0 to 1000000.
  /// Why: each is two of the 65530 mappings that Linux allows a process, which needs some itself.
  static constexpr std::size_t kGuardedMost = 16384;
  /// In the arena there is an inaccessible page after so many bytes of spans, and before the first.
  /// Unit: bytes. Range: 0 (none), or 1 MiB to kArenaPiece.
  /// Why: each is two mappings, so 16 GiB of spans are half of what a process may have.
  static constexpr std::size_t kGuardInterval = 1 * kMiB;
  /// Whether the allocator's own records lie between inaccessible pages.
  /// Unit: yes or no. Range: yes or no.
  /// Why: no run over an end of anything reaches them.
  static constexpr bool kGuardsRecords = true;
  /// Whether spans give out their blocks in a random order.
  /// Unit: yes or no. Range: yes or no.
  /// Why: nobody knows what will lie behind a block.
  static constexpr bool kShufflesBlocks = true;
  /// Whether the arena and the records lie at random addresses of their own.
  /// Unit: yes or no. Range: yes or no.
  /// Why: the place of a library says nothing about that of a block.
  static constexpr bool kRandomBases = true;
  /// Freed blocks of a thread lie there until about so many bytes of others, or 1023 of them, are
  /// freed after them. Blocks of more than a quarter of it are used again at once.
  /// Unit: bytes. Range: 0 to 1 GiB.
  /// Why: who uses a block that was freed a moment ago has not another's under the hand.
  static constexpr std::size_t kThreadQuarantineBytes = 128 * kKiB;
  /// Before that, each changes places with one of so many that were freed before it.
  /// Unit: blocks. Range: 0 (none), or a power of two to 256.
  /// Why: nobody knows which block is the next to be used again.
  static constexpr std::size_t kThreadQuarantineSwaps = 32;
  /// The addresses of large blocks that were freed stay inaccessible until so many bytes are freed
  /// after them; from half of that on they may be those of another block.
  /// Unit: bytes. Range: 0 to SIZE_MAX / 4.
  /// Why: it is address space, which costs nothing, and what is reserved anew costs system calls.
  static constexpr std::size_t kLargeQuarantineBytes = 256 * kMiB;
  /// But freed large blocks of at most so many bytes, and with kZeroesFreed, stay accessible for a
  /// while: they are zeros, and who writes to one is found when it is used again or closed.
  /// Unit: bytes. Range: 0 (none) to 64 MiB.
  /// Why: a page fault costs ten times the zeros, but those of more need not be wanted.
  static constexpr std::size_t kLargeOpenMost = 4 * kMiB;
  /// All of these together have at most so many bytes, beyond which the oldest are closed; and none
  /// is used again before half of that is freed after it.
  /// Unit: bytes. Range: 0 (none) to SIZE_MAX / 4.
  /// Why: so many that some fit, and what a process can spare.
  static constexpr std::size_t kLargeOpenBytes = 32 * kMiB;
  /// Whether blocks of no bytes lie in pages that nobody can access.
  /// Unit: yes or no. Range: yes or no.
  /// Why: there is no byte in them to be used.
  static constexpr bool kGuardsEmptyBlocks = true;

  // --- The dynamic loader ------------------------------------------------------------------

  /// Whether dlopen obeys RTLD_DEEPBIND where libralloc.so is the malloc. Option: deepbind.
  /// Unit: yes or no. Range: yes or no.
  /// Why: a plugin that is loaded with it uses libc's malloc and free on the program's blocks.
  static constexpr bool kDeepbind = false;

  // --- What the user is told ---------------------------------------------------------------

  /// What the log build writes. Option: log_level.
  /// Unit: level. Range: LogLevel::kInternal to LogLevel::kNone.
  /// Why: rare events alone, so that a log of a long run can be read.
  static constexpr LogLevel kLogLevel = LogLevel::kNote;
  /// The file descriptor to which it writes. Option: log_fd.
  /// Unit: descriptor. Range: 0 to 1000000.
  /// Why: standard error.
  static constexpr int kLogFd = 2;
  /// Whether the blocks that are live at exit are listed. Option: leaks.
  /// Unit: yes or no. Range: yes or no.
  /// Why: many programs leave memory to the kernel at their end.
  static constexpr bool kLeaks = false;
  /// In the debugger build freed blocks lie until so many bytes of others, or 8192 of them, are
  /// freed after them. Option: quarantine_bytes.
  /// Unit: bytes. Range: 0 to SIZE_MAX / 4.
  /// Why: uses of a block that was freed come soon after, and are seen while it lies there.
  static constexpr std::size_t kQuarantineBytes = 1 * kMiB;
  /// The process's OOM handler until the program sets one (ralloc/oom_handlers.h): what is called
  /// with size and alignment when `ralloc::alloc` finds no memory. Null prints one sentence and
  /// aborts. It is compiled with the library and so may not throw.
  /// Unit: function. Range: any or nullptr.
  /// Why: nobody has said yet what else to do.
  static constexpr void (*kOomHandler)(std::size_t size, std::size_t align) = nullptr;
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

#include "shim/config_checks.h"
