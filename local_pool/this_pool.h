// This thread's local pool, and the paths through it that alloc/ takes.
//
// Thread safety: every function may be called from any thread, and touches its own pool.
// Invariants: I7 what a thread held when it ended is all in the global pool.
#pragma once

#include <cstddef>

#include "local_pool/local_pool.h"
#include "local_pool/magazine.h"

namespace ralloc {

using ThisRack = PoolRack<ShippedLimits>;
using ThisPool = LocalPool<StdSync, ShippedLimits>;
extern template class LocalPool<StdSync, ShippedLimits>;

// This thread's rack. Before its first slow path that is one without room, and so it is
// again after its exit hook has run, so no fast path asks whether there is a pool.
extern constinit thread_local ThisRack* this_rack [[gnu::tls_model("initial-exec")]];

// --- Fast paths: null or false sends the caller to the slow ones below -----------------------
[[gnu::always_inline]] inline void* take_hit(std::size_t offset) {
  return this_rack->take_hit(offset);
}
[[gnu::always_inline]] inline bool give_hit(void* block, Key key) {
  return this_rack->give_hit(block, key);
}
// As give_hit, for a block of a small class that is not at home here.
[[gnu::always_inline]] inline bool give_foreign_hit(void* block, Key key);
// As give_hit, for who compares key ^ home with an offset first.
[[gnu::always_inline]] inline Key home_of_this_pool() { return this_rack->home; }
[[gnu::always_inline]] inline bool push_hit(void* block, std::size_t offset) {
  return this_rack->push_hit(block, offset);
}

// Keeps a large block that the program frees, and of which nothing was freed before, or has it again,
// without an event: one of so many pages, if need be cut off a longer one where it will grow. False or
// null if not.
[[nodiscard, gnu::always_inline]] inline bool keep_large_hit(Bookkeeper::Span* span);
[[nodiscard, gnu::always_inline]] inline Bookkeeper::Span* take_kept(std::size_t pages,
                                                                     bool will_grow);

// Frees a small block of so many bytes whose page has this live key, after others. For builds with
// a quarantine.
[[gnu::always_inline]] inline void give_later(void* block, Key key, std::size_t bytes);

// --- Slow paths -------------------------------------------------------------------------------
// A block of the class, through a refill; null if there is no memory.
[[nodiscard]] void* take_miss(unsigned size_class);
// Frees a block whose page has the live key of a small class. Double frees that can be seen
// at once are fatal.
void give_miss(void* block, Key key);
// As keep_large_hit, with an event if need be; a longer block is left to the thread's shard. False if it
// has to go to the ledger.
[[nodiscard]] bool keep_large(Bookkeeper::Span* span);
// As take_kept, of those that this thread's shard keeps, if the thread has a pool; the first page is a
// multiple of `align`.
[[nodiscard]] Bookkeeper::Span* take_large_spare(std::size_t pages, std::size_t align,
                                                 bool will_grow);
// Gives all of this thread's free blocks home.
void flush_this_pool();
// Bytes in this thread's free blocks, but for large ones, and in these.
std::size_t bytes_in_this_pool();
std::size_t large_bytes_in_this_pool();
// This thread's pool, made if need be; null if it cannot have one (the thread is ending, or
// memory or pthread keys are short).
ThisPool* attach_this_pool();

// This thread's pool, if it has one.
[[gnu::always_inline]] inline ThisPool* existing_pool() {
  ThisRack* const rack = this_rack;
  return rack->is_of_pool() ? static_cast<ThisPool*>(rack) : nullptr;
}
// The shard that it is at home in; who has none takes from the first.
inline std::uint32_t this_shard() {
  const ThisPool* const pool = existing_pool();
  return pool != nullptr ? shard_of(pool->home) : 0;
}
inline bool give_foreign_hit(void* block, Key key) {
  ThisPool* const pool = existing_pool();
  return pool != nullptr && pool->give_foreign_hit(block, key);
}

// Calls work(pool) with this thread's pool, if it has one that keeps large blocks.
template <class Result, class Work>
[[gnu::always_inline]] inline Result if_it_keeps_large(Result otherwise, Work work) {
  const auto with = [&]<class Pool>(Pool* pool) {
    if constexpr (Pool::kKeepsLarge) return work(*pool);
    return otherwise;
  };
  ThisPool* const pool = existing_pool();
  return pool != nullptr ? with(pool) : otherwise;
}
inline bool keep_large_hit(Bookkeeper::Span* span) {
  return if_it_keeps_large(false, [=](auto& pool) { return pool.keep_large_hit(span); });
}
inline Bookkeeper::Span* take_kept(std::size_t pages, bool will_grow) {
  return if_it_keeps_large(static_cast<Bookkeeper::Span*>(nullptr),
                           [=](auto& pool) { return pool.take_large(pages, will_grow); });
}

// A rack with a quarantine is a pool's.
inline void give_later(void* block, Key key, std::size_t bytes) {
  ThisRack* const rack = this_rack;
  if (LIKELY(rack->has_quarantine())) {
    return static_cast<ThisPool*>(rack)->give_later(block, key, bytes);
  }
  if (!rack->give_hit(block, key)) give_miss(block, key);
}

}  // namespace ralloc
