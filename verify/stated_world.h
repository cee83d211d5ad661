// The world of the security build as far as blocks have states. It keeps these itself, in plain
// fields, so that whoever changes one without being the only one who may is reported as a race.
//
// Thread safety: a model's threads are fibers of one thread.
#pragma once

#include "verify/defended_world.h"

namespace ralloc_verify {

struct StatedWorld {
  enum Kind : unsigned char { kNothing, kFree, kLive, kBroken };

  // --- What a model may set up
  static inline unsigned refused_windows = 0;  // the next so many
  static inline unsigned refused_covers = 0;
  static inline std::size_t most_window = SIZE_MAX;  // in pages
  static inline const void* overwritten = nullptr;  // the block behind whose end was written

  // --- What happened
  static inline bool is_open = false;
  static inline std::size_t window = 0;
  static inline unsigned breaks = 0;  // of large blocks
  static inline Cell<unsigned> kinds[kWorldPages << (kPageShift - kPayloadShift)];

  static void begin() {
    refused_windows = refused_covers = breaks = 0;
    is_open = false;
    most_window = SIZE_MAX;
    overwritten = DefendedLimits::written = nullptr;
    for (auto& kind : kinds) new (&kind) Cell<unsigned>;
  }
  static Cell<unsigned>& kind(const void* block) { return kinds[World::index(block)]; }
  static bool is(const void* block, Kind what, Place place = Place::here()) {
    return kind(block).get(place) == what;
  }

  // --- As alloc/ does it for who has the block
  static void make_live(void* block, Place place = Place::here()) {
    require(is(block, kNothing) || is(block, kFree), "the block is live already (I11)", place);
    kind(block).set(kLive, place);
  }
  static void take_back(void* block, Place place = Place::here()) {
    require(is(block, kLive), "what is freed is not live (I11)", place);
    kind(block).set(kFree, place);
  }
};

struct StatedLimits : DefendedLimits {
  struct Defences : DefendedLimits::Defences {
    static constexpr bool kStates = true;
    static constexpr bool kZeroesFreed = true;
    static constexpr bool kChecksNeighbours = true;
    static constexpr bool kGuardsLarge = true;
    static constexpr std::size_t kGuardedMost = 1;
  };

  static bool open_states(std::size_t pages) {
    if (StatedWorld::refused_windows != 0) {
      --StatedWorld::refused_windows;
      return false;
    }
    require(!StatedWorld::is_open, "there are two tables of states");
    StatedWorld::window = pages < StatedWorld::most_window ? pages : StatedWorld::most_window;
    return StatedWorld::is_open = true;
  }
  static std::size_t states_window() { return StatedWorld::window; }
  static bool cover_states(std::uintptr_t, std::size_t) {
    require(StatedWorld::is_open, "there is no table of states");
    if (StatedWorld::refused_covers == 0) return true;
    --StatedWorld::refused_covers;
    return false;
  }
  static void purge_states(std::uintptr_t page, std::size_t pages) { begin_span_states(page, pages); }
  static void begin_span_states(std::uintptr_t page, std::size_t pages) {
    char* const begin = static_cast<char*>(WorldMemory::address(page));
    for (std::size_t i = 0; i < pages * kPageBytes; i += kPayloadBytes) {
      StatedWorld::kind(begin + i).set(StatedWorld::kNothing);
    }
  }
  static void begin_large_states(const void* block) {
    StatedWorld::kind(block).set(StatedWorld::kNothing);
  }
  static bool is_live(const void* block) {
    return StatedWorld::is(block, StatedWorld::kLive) ||
           StatedWorld::is(block, StatedWorld::kBroken);
  }
  static bool is_freed(const void* block) { return StatedWorld::is(block, StatedWorld::kFree); }
  static bool note_part_freed(void* block, unsigned, void* part, std::size_t size, bool is_last) {
    require(is_live(block), "a part is freed of what is not live (I11)");
    wipe(part, size);
    StatedWorld::kind(block).set(is_last ? StatedWorld::kFree : StatedWorld::kBroken);
    return !is_last || block != StatedWorld::overwritten;
  }
  static void note_whole(void* block) {
    require(StatedWorld::is(block, StatedWorld::kBroken), "what was whole becomes whole (I11)");
    StatedWorld::kind(block).set(StatedWorld::kLive);
  }
  template <class Span>
  static bool break_large(Span* block) {
    char* const begin = block->begin();
    if (StatedWorld::is(begin, StatedWorld::kBroken)) return true;
    require(StatedWorld::is(begin, StatedWorld::kLive), "what breaks is not live (I11)");
    if (begin == StatedWorld::overwritten) return false;
    StatedWorld::kind(begin).set(StatedWorld::kBroken);
    ++StatedWorld::breaks;
    return true;
  }
  static void wipe(void* part, std::size_t bytes) { World::wipe(part, bytes); }
  static bool has_misuse(void* block, unsigned, bool is_free, ralloc::Misuse& misuse) {
    if (is_free) {
      // Nobody may write to it meanwhile.
      require(!World::is_held[World::index(block)], "a free block is held (I1)");
      (void)World::payloads[World::index(block)].get();
      misuse = ralloc::Misuse::kWriteAfterFree;
      return block == written;
    }
    misuse = ralloc::Misuse::kOverflow;
    return block == StatedWorld::overwritten;
  }
};

using StatedLocalPool = ralloc::LocalPool<RelacySync, StatedLimits>;

}  // namespace ralloc_verify
