// One thread's magazines: arrays of pointers to free blocks, one for each size class.
//
// Thread safety: a pool is touched by its own thread alone, and so needs neither locks nor
// atomics. It meets the other threads only through the bookkeeper's take and give.
// Invariants: I1 a block is in one magazine or outgoing array at most. Magazines hold only
// blocks at home in this pool's shard: foreign blocks, were they reused here while their
// neighbours live on another core, would put one cache line under two writers. I7 what a
// thread held when it ended is all in the global pool.
#pragma once

#include <cstddef>
#include <cstdint>

#include "global_pool/global_pool.h"
#include "global_pool/size_class.h"
#include "shim/annotations.h"

namespace ralloc {

// A stack of blocks in array[1 .. top]; array[0] is null, so that reading the top of an
// empty magazine gives null. `end` is the last place: full when top == end.
struct Magazine {
  void** top;
  void** end;
};

// What the fast paths see: a magazine for each class, and the key of the home shard. The
// magazine of class c lies 16 * c bytes from the start, which is what keys hold.
struct MagazineRack {
  Magazine magazines[kClasses];
  Key home;

  Magazine& at(std::size_t offset) {
    return *reinterpret_cast<Magazine*>(reinterpret_cast<char*>(this) + offset);
  }
};
static_assert(sizeof(Magazine) == kGrain);

// This thread's rack. Before its first slow path that is one without room, and so it is
// again after its exit hook has run: empty and full at once, at home nowhere, so that every
// hit fails and no fast path asks whether there is a pool.
extern constinit thread_local MagazineRack* this_rack [[gnu::tls_model("initial-exec")]];

// --- Fast paths: null or false sends the caller to the slow ones below -----------------------
[[gnu::always_inline]] inline void* take_hit(std::size_t offset) {
  Magazine& magazine = this_rack->at(offset);
  void** const top = magazine.top;
  void* const block = *top;
  if (LIKELY(block != nullptr)) magazine.top = top - 1;
  return block;
}

[[gnu::always_inline]] inline bool give_hit(void* block, Key key) {
  MagazineRack* const rack = this_rack;
  const Key offset = key ^ rack->home;
  if (UNLIKELY(offset >= kClasses * sizeof(Magazine))) return false;  // not ours, large, or wild
  Magazine& magazine = rack->at(offset);
  void** const top = magazine.top;
  if (UNLIKELY(*top == block) || UNLIKELY(top == magazine.end)) return false;
  top[1] = block;
  magazine.top = top + 1;
  return true;
}

// --- Slow paths -------------------------------------------------------------------------------
// A block of the class, through a refill; null if there is no memory.
[[nodiscard]] void* take_miss(unsigned size_class);
// Frees a block whose page has the live key of a small class. Double frees that can be seen
// at once are fatal.
void give_miss(void* block, Key key);
// Gives all of this thread's free blocks home.
void flush_this_pool();
// Bytes in this thread's free blocks.
std::size_t bytes_in_this_pool();

class LocalPool : public MagazineRack {
 public:
  // This thread's pool, made if need be; null if it cannot have one (the thread is ending,
  // or memory or pthread keys are short).
  static LocalPool* attach();

  void* refill(unsigned size_class);
  void overflow(unsigned size_class, void* block);
  void send(void* block, unsigned size_class);
  void flush();
  std::size_t bytes() const;

  // Debug builds and tests: the shape of every magazine.
  bool is_valid() const;

 private:
  // The array of a magazine, and the number of its last event: a refill or flush.
  struct Shelf {
    void** array;
    std::uint32_t last_event;
  };

  static void on_thread_exit(void* pool);
  explicit LocalPool(std::uint32_t shard);
  void close();

  std::size_t room(unsigned size_class) const {
    return std::size_t(magazines[size_class].end - shelves_[size_class].array);
  }
  std::size_t count(unsigned size_class) const {
    return std::size_t(magazines[size_class].top - shelves_[size_class].array);
  }
  // Blocks to exchange at once: at most half of the room, so that what comes next has a place.
  std::size_t batch(unsigned size_class) const {
    const std::size_t half = (room(size_class) + 1) / 2;
    return half < Config::kBatchBlocks ? half : Config::kBatchBlocks;
  }
  bool grow(unsigned size_class);
  void shrink(unsigned size_class);
  void replace_array(unsigned size_class, void** array, std::size_t room);
  void give_oldest(unsigned size_class, std::size_t n);
  void shrink_unused();
  void send_all();
  void grow_outgoing();
  void note_event();
  void** take_array(std::size_t room);
  void give_array(void** array, std::size_t room);

  const std::uint32_t shard_;
  std::uint32_t events_ = 0;
  std::size_t room_bytes_ = 0;   // of all magazines beyond their first; drawn from the budget
  void** outgoing_ = nullptr;    // blocks of other shards
  std::size_t outgoing_room_ = 0;
  std::size_t outgoing_count_ = 0;
  std::size_t outgoing_bytes_ = 0;
  Shelf shelves_[kClasses] = {};
  std::size_t words_used_ = 0;

  // First arrays lie here, so that a fresh pool is two OS pages and no more.
  static constexpr std::size_t kBytes = 8192;
  static constexpr std::size_t kWords =
      (kBytes - sizeof(MagazineRack) - 7 * 8 - kClasses * sizeof(Shelf)) / sizeof(void*);
  void* words_[kWords];
};
static_assert(sizeof(LocalPool) == 8192);

}  // namespace ralloc
