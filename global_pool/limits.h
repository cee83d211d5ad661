// The sizes that ship, for the protocol headers, which take them as a policy so that a
// model can be tiny: few shards, few classes, spans of two blocks.
//
// Thread safety: constants and pure functions.
#pragma once

#include <bit>
#include <cstring>

#include "global_pool/block_states.h"
#include "global_pool/canary.h"
#include "global_pool/metadata.h"
#include "global_pool/page_map.h"
#include "global_pool/secrets.h"
#include "global_pool/size_class.h"
#include "global_pool/slack.h"
#include "global_pool/zeros.h"
#include "shim/debugger.h"
#include "shim/defences.h"
#include "shim/options.h"
#include "shim/os.h"
#include "shim/random.h"
#include "shim/shared_value.h"

namespace ralloc {

struct ShippedLimits {
  using Config = ralloc::Config;
  using Defences = ralloc::Defences;
  static constexpr unsigned kClasses = ralloc::kClasses;
  static constexpr unsigned kShards = Config::kShardsMost;
  // Where no defence keeps large blocks apart, and so all of them in the first.
  static constexpr unsigned kLedgers =
      Defences::kGuardsLarge || Defences::kStates ? 1 : Config::kLedgersMost;
  static constexpr std::size_t kLedgerPages = Config::kLedgerBytes >> Config::kPageShift;
  static constexpr unsigned kPageShift = Config::kPageShift;
  // Pieces of the arena are reserved and released in whole sectors.
  static constexpr std::size_t kSectorPages = Config::kSector >> Config::kPageShift;

  static constexpr const SizeClass& size_class(unsigned c) { return size_class_info(c); }

  static constexpr std::uint32_t span_pages(unsigned c, std::size_t spans) {
    return ralloc::span_pages(c, spans);
  }

  // Parts of blocks begin and end at multiples of so many bytes.
  static constexpr std::size_t kPartGrain = 1;
  // Bytes of a live block that were not asked for.
  static std::size_t slack_of(const void* block, unsigned c) {
    return has_slack(c) ? read_slack(block, size_class(c).block_size) : 0;
  }

  // --- Of the security build ------------------------------------------------------------------
  // The page map has a window of so many pages. Under a limit on address space the states have one
  // for as much: they are many bytes for each page.
  [[nodiscard]] static bool open_states(std::size_t window) {
    const std::size_t limit = os::address_space_limit() >> kPageShift;
    const std::size_t needed = limit < window ? std::bit_ceil(limit | kSectorPages) : window;
    return block_states.open(needed);
  }
  static std::size_t states_window() { return block_states.window(); }
  [[nodiscard]] static bool cover_states(std::uintptr_t page, std::size_t pages) {
    return block_states.cover(page, pages);
  }
  // Pages lose their backing: of their states that is as little worth.
  static void purge_states(std::uintptr_t page, std::size_t pages) {
    block_states.purge(page, pages);
  }
  // Pages are to be a span, or a large block, from now on.
  static void begin_span_states(std::uintptr_t page, std::size_t pages) {
    block_states.begin_pages(page, pages, random_secret());
  }
  static void begin_large_states(const void* block) {
    block_states.begin_large(block, random_secret());
  }
  // What nobody can predict, as far as the system has it. With no lock held (I5).
  static std::uint64_t random_secret() { return secrets.next(); }
  // Whether the block is the program's, or what was not freed of it.
  static bool is_live(const void* block) {
    return (block_states.state_of(block).byte() & BlockState::kLive) != 0;
  }
  // A part of a block was freed, perhaps the last. False if bytes behind the block's end were
  // overwritten.
  [[nodiscard]] static bool note_part_freed(void* block, unsigned c, void* part, std::size_t size,
                                            bool is_last) {
    if constexpr (Defences::kZeroesFreed) std::memset(part, 0, size);
    if (!is_last) {
      block_states.set_kind(block, BlockState::kBroken);
      return true;
    }
    const std::size_t block_size = size_class(c).block_size;
    const std::size_t asked = block_size - block_states.slack_of(block);
    const bool is_intact = has_canary(block, asked, block_size);
    clear_canary(block, asked, block_size);
    block_states.set(block, BlockState::kFree, 0);
    return is_intact;
  }
  static bool is_freed(const void* block) {
    return block_states.state_of(block).kind() == BlockState::kFree;
  }
  // A part of a large block is about to be freed. False if bytes behind the block's end were
  // overwritten.
  template <class Span>
  [[nodiscard]] static bool break_large(Span* block) {
    if (block_states.state_of(block->begin()).kind() == BlockState::kBroken) return true;
    if (!has_canary(block->begin(), asked_of(block), room_of(block))) return false;
    clear_canary(block->begin(), asked_of(block), room_of(block));
    block_states.set_kind(block->begin(), BlockState::kBroken);
    return true;
  }
  // For who has all of a large block: it is whole again, being shorter now, or since nothing was
  // freed of it for want of memory.
  template <class Span>
  static void mend_large(Span* block) {
    if (block_states.state_of(block->begin()).kind() != BlockState::kBroken) return;
    put_canary(block->begin(), asked_of(block), room_of(block));
    block_states.set_kind(block->begin(), BlockState::kLive);
  }
  // Makes bytes zero, many of them by the OS, which need not do it before they are used.
  static void wipe(void* begin, std::size_t bytes) {
    char* const first = static_cast<char*>(begin);
    const std::uintptr_t mask = os::page_size() - 1;
    const std::size_t head = -reinterpret_cast<std::uintptr_t>(begin) & mask;
    const std::size_t tail = reinterpret_cast<std::uintptr_t>(first + bytes) & mask;
    if (bytes < kPurgedAtOnce || !os::purge(first + head, bytes - head - tail)) {
      std::memset(begin, 0, bytes);
      return;
    }
    std::memset(begin, 0, head);
    std::memset(first + bytes - tail, 0, tail);
  }
  static constexpr std::size_t kPurgedAtOnce = 256 * kKiB;
  // Of what is used again soon: OS pages, which keep their backing.
  static void zero(void* begin, std::size_t bytes) { std::memset(begin, 0, bytes); }
  static bool is_zero(const void* begin, std::size_t bytes) { return is_all_zero(begin, bytes); }
  // Bytes of a large block that were asked for, and that are accessible.
  template <class Span>
  static std::size_t asked_of(const Span* block) {
    return block->bytes() - block->slack_.get();
  }
  template <class Span>
  static std::size_t room_of(const Span* block) {
    return block->accessible_bytes();
  }

  // Of a broken block no part is free any more.
  static void note_whole(void* block) { block_states.set_kind(block, BlockState::kLive); }
  // Whether nobody has written to a block since it was freed, and made zero.
  static bool is_untouched(const void* block, unsigned c) {
    return is_all_zero(block, size_class(c).block_size);
  }
  // What is wrong with a small block of anybody's, whose span stays meanwhile; false if nothing.
  static bool has_misuse(void* block, unsigned c, bool is_free, Misuse& misuse) {
    char* const begin = static_cast<char*>(block);
    const std::size_t bytes = size_class(c).block_size;
    if (is_free) {
      misuse = Misuse::kWriteAfterFree;
      return Defences::kFindsWritesAtFlush && !is_untouched(block, c);
    }
    misuse = Misuse::kOverflow;
    return Defences::kCanaries && is_overwritten(begin, bytes) && is_still_overwritten(begin, bytes);
  }
  // Each local pool that has a use for random numbers owns one.
  using Random = ralloc::Random;

  // So many blocks may lie in a thread's quarantine, whatever their size.
  static constexpr std::size_t kQuarantineBlocks = 1023;

  // Bytes of a local pool with a few first arrays: two OS pages.
  static constexpr std::size_t kPoolRecord = 8192;

  // What can be chosen when the program starts. Not under a lock before it is known: it may be
  // that something is to be said about it.
  static unsigned shards(unsigned cores) {
    const std::uint64_t chosen = option::shards();
    return chosen != 0 ? unsigned(chosen) : Config::shard_count(cores);
  }
  // Those in use: one where addresses are limited, or what is free, since the others would keep some of
  // both for themselves.
  static unsigned ledgers(unsigned shards) {
    if (Memory::limit() != SIZE_MAX || dirty_bytes() != SIZE_MAX) return 1;
    const std::uint64_t chosen = option::ledgers();
    return chosen != 0 ? unsigned(chosen) : Config::ledger_count(shards);
  }
  static std::size_t magazine_bytes() { return option::magazine_bytes(); }
  static std::size_t pool_bytes() { return option::pool_bytes(); }
  static std::size_t all_pools_bytes() { return option::all_pools_bytes(); }
  static std::uint64_t decay_ms() { return option::decay_ms(); }
  static std::size_t decay_bytes() { return option::decay_bytes(); }
  static std::size_t dirty_bytes() { return option::dirty_bytes(); }

  using Metadata = ralloc::Metadata;

  // Where address space and its backing come from.
  struct Memory {
    // Bytes of address space that the process may have; SIZE_MAX is no limit. Asked at the first
    // allocation and not again, for a sandbox may kill who asks: that there is one, of whatever kind, is
    // believed for a while when the OS has refused something.
    static std::size_t limit() {
      std::size_t limit = known_limit.get();
      if (limit == 0) {
        limit = os::address_space_limit();
        known_limit.replace(limit);
      }
      const std::uint64_t refused = refused_ms.get();
      if (limit != SIZE_MAX || refused == 0) return limit;
      return os::now_ms() - refused < kRefusedMs ? SIZE_MAX - 1 : SIZE_MAX;
    }
    static void* reserve(std::size_t bytes, std::size_t align, void* hint) {
      void* const p = os::reserve(bytes, align, hint);
      if (p == nullptr) {
        note_refused(bytes);
      } else if constexpr (kDebugger) {
        debugger::note_reserved(p, bytes);
      }
      return p;
    }
    static void* reserve_zeros(std::size_t bytes) {
      if (kDebugger && !debugger::may_map(bytes)) return nullptr;  // a smaller map does as well
      void* const p = os::reserve_zeros(bytes);
      if constexpr (kDebugger) debugger::note_map(p, bytes);
      return p;
    }
    [[nodiscard]] static bool commit(void* p, std::size_t bytes) {
      if (!os::commit(p, bytes)) {
        note_refused(bytes);
        return false;
      }
      if constexpr (kDebugger) debugger::note_committed(p, bytes);
      return true;
    }
    [[nodiscard]] static bool reserve_at(void* p, std::size_t bytes) {
      if (!os::reserve_at(p, bytes)) return false;
      if constexpr (kDebugger) debugger::note_reserved(p, bytes);
      return true;
    }
    [[nodiscard]] static bool extend(void* p, std::size_t bytes, std::size_t more) {
      if (!os::extend(p, bytes, more)) return false;
      if constexpr (kDebugger) {
        debugger::note_reserved(static_cast<char*>(p) + bytes, more);
        debugger::note_committed(static_cast<char*>(p) + bytes, more);
      }
      return true;
    }
    [[nodiscard]] static bool purge(void* p, std::size_t bytes) EXCLUDES(any_mutex) {
      return os::purge(p, bytes);
    }
    [[nodiscard]] static bool close(void* p, std::size_t bytes) EXCLUDES(any_mutex) {
      return os::close(p, bytes);
    }
    static void release(void* p, std::size_t bytes) {
      if constexpr (kDebugger) debugger::note_released(p, bytes);
      os::release(p, bytes);
    }
    static std::size_t granule() { return os::page_size(); }
    static std::uint64_t now_ms() { return os::now_ms(); }
    static unsigned cpu_count() { return os::cpu_count(); }
    static std::uint64_t random() {
      std::uint64_t word = 0;
      (void)os::fill_random(&word, sizeof word);  // weaker bytes are better than none
      return word;
    }

   private:
    static constexpr std::uint64_t kRefusedMs = 10'000;
    // (What is longer than a piece would be refused without a limit.) The security build asks: it may be
    // the mappings that are short, and for these it gives up neither guards nor quarantine.
    [[gnu::cold, gnu::noinline]] static void note_refused(std::size_t bytes) {
      if (bytes > Config::kArenaPiece) return;
      if constexpr (kSecure) {
        known_limit.replace(os::address_space_limit());
      } else {
        refused_ms.replace(os::now_ms());
      }
    }
    static inline constinit SharedValue<std::size_t> known_limit;
    static inline constinit SharedValue<std::uint64_t> refused_ms;
  };
};

static_assert(Config::kWindowBitsLeast >= kKeyBits, "a foreign page must differ above the key");
static_assert(Config::kShardsMost <= 1u << (kKeyBits - kKeyShardShift));
static_assert((Config::kMagazineBlocks + 1) * sizeof(void*) <= Metadata::kMost &&
                  2 * (Config::kOutgoingBlocks + 1) * sizeof(void*) <= Metadata::kMost,
              "a local pool's arrays are pieces of metadata");

}  // namespace ralloc
