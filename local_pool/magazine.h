// Magazines and racks: what the fast paths see of a local pool.
//
// Thread safety: a rack is touched by its own thread alone.
// Invariants: I1 a block is in one magazine at most.
#pragma once

#include <cstddef>
#include <type_traits>

#include "global_pool/page_map.h"
#include "global_pool/size_class.h"
#include "local_pool/thread_quarantine.h"
#include "shim/annotations.h"

namespace ralloc {

// A stack of blocks in array[1 .. top]; array[0] is null, so that reading the top of an
// empty magazine gives null. `end` is the last place: full when top == end.
struct Magazine {
  void** top;
  void** end;
};
static_assert(sizeof(Magazine) == kGrain);

// The place under the top of a magazine without an array: always null, never written.
inline constinit void* nothing = nullptr;

// A magazine for each class, and the key of the home shard. The magazine of class c lies
// 16 * c bytes from the start, which is what keys hold.
template <class Limits>
struct MagazineRack {
  Magazine magazines[Limits::kClasses];
  Key home;

  static constexpr bool has_quarantine() { return false; }
  // Whether it is a pool's; else its magazines have no room.
  bool is_of_pool() const { return home != kNowhere; }
  static constexpr Key kNowhere = kLiveKey << 1;  // differs from every key in a high bit

  // No magazine has an array yet.
  constexpr void empty_without_room() {
    for (Magazine& magazine : magazines) magazine = {&nothing, &nothing};
  }

  Magazine& at(std::size_t offset) {
    return *reinterpret_cast<Magazine*>(reinterpret_cast<char*>(this) + offset);
  }

  // --- Fast paths: null or false sends the caller to the slow ones --------------------------
  [[gnu::always_inline]] void* take_hit(std::size_t offset) {
    Magazine& magazine = at(offset);
    void** const top = magazine.top;
    void* const block = *top;
    if (LIKELY(block != nullptr)) magazine.top = top - 1;
    return block;
  }

  [[gnu::always_inline]] bool give_hit(void* block, Key key) {
    const Key offset = key ^ home;
    if (UNLIKELY(offset >= sizeof magazines)) return false;  // not ours, large, or wild
    return push_hit(block, offset);
  }

  // The same, where the offset of the block's magazine is known.
  [[gnu::always_inline]] bool push_hit(void* block, std::size_t offset) {
    Magazine& magazine = at(offset);
    void** const top = magazine.top;
    if (UNLIKELY(*top == block) || UNLIKELY(top == magazine.end)) return false;
    top[1] = block;
    magazine.top = top + 1;
    return true;
  }

  // Whether a block's neighbours are in other cache lines, so that any thread may use it.
  static bool has_own_lines(unsigned size_class) {
    return Limits::size_class(size_class).block_size % Limits::Config::kLineBytes == 0;
  }
  // Keeps a foreign block where that does no harm. For who frees and allocates by turns it is as good
  // as one of its own; a magazine does not grow for it: who only frees sends more at a time.
  [[gnu::always_inline]] bool adopt_hit(void* block, Key key) {
    if (!has_own_lines(class_of(key))) return false;
    return push_hit(block, key & kKeyClassMask);
  }
};

// And where the blocks that are freed lie first: null when there is no such place.
template <class Limits>
struct QuarantineRack : MagazineRack<Limits> {
  ThreadQuarantine<Limits>* quarantine = nullptr;

  bool has_quarantine() const { return quarantine != nullptr; }
};

template <class Limits>
inline constexpr bool kHasQuarantine = Limits::Defences::kThreadQuarantineBytes != 0;
template <class Limits>
using PoolRack =
    std::conditional_t<kHasQuarantine<Limits>, QuarantineRack<Limits>, MagazineRack<Limits>>;

// A rack whose magazines are empty and full at once, at home nowhere: every hit fails.
template <class Limits>
constexpr PoolRack<Limits> rack_without_room() {
  PoolRack<Limits> rack{};
  rack.empty_without_room();
  rack.home = MagazineRack<Limits>::kNowhere;
  return rack;
}

}  // namespace ralloc
