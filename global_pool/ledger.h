// The record of free runs of pages: hands runs out, takes them back and merges neighbours.
//
// Thread safety: every member function may be called from any thread; each holds the one
// mutex and no other (I5). Address space is reserved and committed under it; memory is purged
// and released outside, which can take long: a run leaves the ledger for that (I6).
// Invariants: I3, I4, I6; I9 every committed page is in one free run or one taken run, and
// neighbouring free runs differ in state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include "global_pool/arena.h"
#include "global_pool/budget.h"
#include "global_pool/free_runs.h"
#include "global_pool/guarded.h"
#include "global_pool/large_parts.h"
#include "global_pool/loose_run.h"
#include "global_pool/metadata.h"
#include "global_pool/page_map.h"
#include "global_pool/span.h"
#include "global_pool/span_log.h"
#include "shim/mutex.h"

namespace ralloc {

template <class Sync, class Limits>
class Ledger {
  template <class T>
  using Cell = typename Sync::template Cell<T>;
  static constexpr bool kGuardsLarge = Limits::Defences::kGuardsLarge;
  static constexpr std::size_t kSector = Limits::kSectorPages;

 public:
  using Span = ralloc::Span<Sync, Limits>;
  using LooseRun = ralloc::LooseRun<Sync, Limits>;
  using PageMap = ralloc::PageMap<Sync, Limits>;

  // The first: it has the arena, the homes of local pools, and the memory for records of other rooms.
  constexpr explicit Ledger(PageMap& map)
      : map_(map), runs_(map, 0), early_(own_early_), parts_(map, 0, metadata_, own_early_) {}
  // Another one, which has what sectors the first gives it.
  Ledger(Ledger& first, std::uint8_t number)
      : map_(first.map_),
        runs_(first.map_, number),
        early_(first.early_),
        parts_(first.map_, number, metadata_, first.early_) {
    number_.set(number);
  }
  std::uint8_t number() const { return number_.get(); }

  // --- Taking and giving runs ------------------------------------------------------------------
  // A run of `pages` pages, the first a multiple of `align` (a power of two), in `state`,
  // with `words` words of bits if that is not 0; one that will grow (of no alignment) where it has room.
  // None if there is no memory; or none at hand, where the arena may not grow for it.
  LooseRun take(std::size_t pages, std::size_t align, SpanState state, std::uint32_t words,
                bool will_grow = false, bool may_extend = true) EXCLUDES(any_mutex)
      RETURN_TYPESTATE(unknown) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    Cell<std::uint64_t>* bits = nullptr;
    if (words != 0) {
      bits = static_cast<Cell<std::uint64_t>*>(metadata_.take(words * sizeof *bits));
      if (bits == nullptr) return LooseRun(nullptr);
    }
    Span* run = will_grow ? carve_with_room(pages) : nullptr;
    if (run == nullptr) {
      run = runs_.find(pages, align);
      if (run == nullptr && may_extend) run = grow(pages + align - 1);
      if (run != nullptr) run = carve(run, pages, align);
    }
    if (run == nullptr) {
      if (bits != nullptr) metadata_.give(bits, words * sizeof *bits);
      return LooseRun(nullptr);
    }
    run->was_clean_.set(run->state_.get() == SpanState::kClean);
    run->is_room_.set(false);
    if (will_grow) mark_room(run, true);
    parts_.forget_block(run);
    run->state_.set(state);
    run->bits_.set(bits);
    map_.set_span(run->first_page_.get(), mapped_pages(run), run);
    log_debug("run % is taken, clean: %", extent_of(run),
              [run] { return run->was_clean_.get(); });
    return LooseRun(run);
  }

  // Takes a run back that is dirty, or reads as zeros. Its keys are cleared already. Returns
  // how many bytes are dirty now.
  std::size_t give(LooseRun&& given TAKEN_OVER, SpanState state, std::uint64_t now_ms)
      EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    Span* const run = given.hand_over();
    parts_.forget_block(run);
    if (run->state_.get() == SpanState::kBlocks) {
      const std::uint32_t words = Span::more_words_for(run->capacity_.get());
      if (words != 0) metadata_.give(run->bits_.get(), words * sizeof(Cell<std::uint64_t>));
    }
    map_.set_span(run->first_page_.get(), mapped_pages(run), nullptr);
    mark_room(run, false);
    log_debug("run % is given back, clean: %", extent_of(run), state == SpanState::kClean);
    insert_merged(run, state, now_ms);
    return dirty_bytes();
  }

  // Lengthens a large block's run to `pages` pages, at the cost of a free neighbour; one with a
  // mapping of its own to at least so many, if the addresses behind it are free. By up to `ahead` more
  // pages, if there are some: these are a part of it as the others are.
  [[nodiscard]] bool extend(Span* run, std::size_t pages, std::size_t ahead = 0)
      EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    const std::size_t more = pages - run->pages_.get();
    // (Whole sectors are ahead already.)
    if (!lengthen(run, more, run->is_apart_.get() ? more : more + ahead)) return false;
    run->need(pages);
    return true;
  }

  // Shortens a large block's run to `pages` pages; the rest is dirty. False if no record
  // could be had for the rest: nothing has changed.
  [[nodiscard]] bool shorten(Span* run, std::size_t pages, std::uint64_t now_ms)
      EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    Span* rest = new_record(run->first_page_.get() + pages, run->pages_.get() - pages);
    if (rest == nullptr) return false;
    run->pages_.set(pages);
    run->need(pages);
    log_debug("run % is what was left of a block that shrank", extent_of(run));
    insert_merged(rest, SpanState::kDirty, now_ms);
    mark_room(run, true);
    return true;
  }

  // Bytes of blocks that have their pages long before they fill them: the first's, for all.
  Budget<Sync>& early() { return own_early_; }

  // --- Parts of large blocks --------------------------------------------------------------------
  struct PartGiven {
    PartState state{};
    bool is_done = false;  // else nothing has changed, for want of memory for a record,
    bool needs_purge = false;  // or since these are to be purged before
    Bytes os_pages[2]{};
    Span* apart = nullptr; // all of a block with a mapping of its own, which is to be released
  };
  // Frees bytes of a large block: all, or a part. What is to be purged for that comes first,
  // and then `purged` is true.
  PartGiven give_part(Bytes part, bool purged, std::uint64_t now_ms) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    Span* const run = parts_.run_at(part.begin);
    PartGiven given{parts_.state_of(part)};
    if (run != nullptr && part.begin == part.end && !Parts::is_whole(run, part)) {
      return {PartState::kLive, true};  // no bytes of a block that has some
    }
    if (given.state != PartState::kLive) return given;
    run->forget_whole();
    typename Parts::LooseRuns left;
    if (Parts::is_whole(run, part)) {
      given.is_done = true;
      if (run->is_apart_.get()) {
        map_.clear_key(run->first_page_.get(), 1);
        given.apart = run;
      } else {
        parts_.leave(run, left);
      }
    } else if (unguard(run) && parts_.isolate(part, left) &&
               (purged || !has_os_pages(part, given))) {
      given.is_done = true;
      parts_.remove(part, left);
    }
    insert_left(left, now_ms);
    return given;
  }
  // The large block that has just these bytes, none of them freed before; null if none has.
  // Whoever asks has them, and so may change it.
  Span* whole(Bytes block) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    Span* const run = parts_.run_at(block.begin);
    return run != nullptr && Parts::is_whole(run, block) ? run : nullptr;
  }
  // Before a part leaves a large block of which all is live, or grows at its end: from here on it
  // has no canary. Under the mutex, for other threads may have other parts. The block, if bytes
  // behind its end were overwritten; else null.
  Span* break_at(Bytes part) requires(Limits::Defences::kStates) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    Span* const run = parts_.run_at(part.begin);
    if (run == nullptr) return nullptr;
    const Bytes all = Parts::all_of(run);
    const bool is_part = part.end <= all.end && !Parts::is_whole(run, part);
    if (!Parts::is_whole(run, all) || !is_part) return nullptr;
    return Limits::break_large(run) ? nullptr : run;
  }
  // The large block of no bytes that has the address inside; null if none has.
  Span* empty_at(std::uintptr_t address) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    Span* const run = parts_.run_at(address);
    if (run == nullptr) return nullptr;
    const std::uintptr_t begin = run->first_page_.get() << Limits::kPageShift;
    return address != begin && Parts::is_whole(run, {begin, begin}) ? run : nullptr;
  }
  struct PartGrown {
    PartState state{};
    std::size_t bytes = 0;  // from now on; 0 if not even the least is to be had
  };
  // Lengthens bytes of a large block, at the cost of its slack and a free neighbour, to at most
  // `most` and at least `least`, not less than they are.
  PartGrown extend_part(Bytes part, std::size_t least, std::size_t most) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    PartGrown grown{parts_.state_of(part)};
    if (grown.state != PartState::kLive) return grown;
    const std::size_t bytes = part.end - part.begin;
    Span* const run = parts_.run_at(part.begin < part.end ? part.end - 1 : part.begin);
    // (What a guarded block has behind its bytes is not accessible: GlobalPool::resize_guarded.)
    const bool can_grow = part.end == Parts::live_end(run) && !run->continues_.get() &&
                          run->freed_.get() == nullptr && !run->is_guarded();
    if (!can_grow || most == bytes) {
      grown.bytes = least <= bytes ? bytes : 0;
      return grown;
    }
    if (most - bytes > run->slack_.get()) {
      const std::size_t slack = run->slack_.get();
      const std::size_t least_pages = least - bytes > slack ? pages_for(least - bytes - slack) : 0;
      (void)lengthen(run, least_pages, pages_for(most - bytes - slack));
    }
    const std::size_t slack = run->end() - part.end;
    if (bytes + slack < least) return grown;
    grown.bytes = bytes + slack < most ? bytes + slack : most;
    run->slack_.set(bytes + slack - grown.bytes);
    run->forget_whole();
    return grown;
  }

  // --- Blocks with a mapping of their own ------------------------------------------------------
  // A large block of at least `pages` pages apart from all runs, reserved only. None if there
  // is no memory.
  LooseRun take_apart(std::size_t pages) EXCLUDES(any_mutex) RETURN_TYPESTATE(unknown) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    Span* run = new_record(0, 0);
    if (run == nullptr) return LooseRun(nullptr);
    const Pages piece = arena_.reserve_apart(pages);
    if (piece.count == 0) {
      drop(run);
      return LooseRun(nullptr);
    }
    run->first_page_.set(piece.first);
    run->pages_.set(piece.count);
    run->state_.set(SpanState::kLarge);
    run->is_apart_.set(true);
    map_.set_span(piece.first, 1, run);
    log_debug("run % is taken, a mapping of its own", extent_of(run));
    return LooseRun(run);
  }
  // Cuts off what whole sectors a block apart has beyond `pages`: the caller releases them.
  [[nodiscard]] Pages shorten_apart(Span* run, std::size_t pages) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    const std::size_t kept = PageMap::in_sectors(pages);
    const Pages rest{run->first_page_.get() + kept, run->pages_.get() - kept};
    run->pages_.set(kept);
    run->need(pages);
    log_debug("run %, a mapping of its own, is all that is kept", extent_of(run));
    arena_.give_up(rest, true);
    return rest;
  }

  // --- Blocks between inaccessible pages --------------------------------------------------------
  // As take_apart, with inaccessible pages before it; or one that was freed. None if as many live
  // as may, or where addresses are short. `was_open` becomes how many of its OS pages are
  // accessible; it counts as if these were as many as wished, which the caller sees to.
  LooseRun take_guarded(const GuardedWish& wish, std::size_t& was_open) requires(kGuardsLarge)
      EXCLUDES(any_mutex) RETURN_TYPESTATE(unknown) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    if (!guarded_.may_have_more()) return LooseRun(nullptr);
    Span* run = guarded_.take_fitting(wish);
    if (run == nullptr) run = reserve_guarded(wish);
    if (run == nullptr) return LooseRun(nullptr);
    guarded_.came();
    was_open = run->open_.get();
    guarded_.set_open(run, wish.open);
    run->state_.set(SpanState::kLarge);
    run->was_clean_.set(true);
    log_debug("run % is taken, between inaccessible pages", extent_of(run));
    return LooseRun(run);
  }
  // For who has such a block: so many OS pages of it are accessible now.
  void set_open(Span* run, std::size_t open) requires(kGuardsLarge) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    guarded_.set_open(run, open);
  }
  // Lengthens such a block's addresses to at least `pages` pages, if those behind it are free.
  [[nodiscard]] bool extend_guarded(Span* run, std::size_t pages) requires(kGuardsLarge)
      EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    const Pages more = arena_.grow_guarded(run->end_page(), pages - run->pages_.get());
    run->pages_.set(run->pages_.get() + more.count);
    run->slack_.set(run->slack_.get() + (more.count << Limits::kPageShift));
    log_debug("run %, between inaccessible pages, has % pages more", extent_of(run), more.count);
    return more.count != 0;
  }
  // Whether there are mappings for others now that were kept.
  [[nodiscard]] bool drop_ballast() requires(kGuardsLarge) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    if (!guarded_.drop_ballast()) return false;
    if constexpr (Limits::Defences::kGuardInterval != 0) arena_.spare_guards();
    return true;
  }
  // Such a block that was freed waits: nobody gets its addresses meanwhile. `open` OS pages of it
  // are still accessible, and zeros. Returns who has to leave, if any: one that is open is to be
  // closed, and waits on; others are released.
  LooseRun put_in_quarantine(LooseRun&& freed TAKEN_OVER, std::size_t open) requires(kGuardsLarge)
      EXCLUDES(any_mutex) RETURN_TYPESTATE(unknown) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    Span* const run = freed.hand_over();
    guarded_.set_open(run, open);
    if (guarded_.refuses(run)) {
      guarded_.set_open(run, 0);
      return LooseRun(run);
    }
    if (run->state_.get() == SpanState::kLarge) guarded_.went();
    parts_.forget_block(run);
    guarded_.put(run);
    log_debug("run % lies in the quarantine, open: % OS pages", extent_of(run), open);
    return LooseRun(guarded_.take_surplus());
  }
  // One that is open since `before_ms` or earlier, and is to be closed.
  LooseRun take_old_open(std::uint64_t before_ms) requires(kGuardsLarge)
      EXCLUDES(any_mutex) RETURN_TYPESTATE(unknown) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    return LooseRun(guarded_.take_old(before_ms));
  }
  // Another one that has to leave; or any.
  LooseRun take_quarantined(bool is_any) requires(kGuardsLarge)
      EXCLUDES(any_mutex) RETURN_TYPESTATE(unknown) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    return LooseRun(is_any ? guarded_.take_any() : guarded_.take_surplus());
  }

  // --- Returning memory to the OS ----------------------------------------------------------------
  // Takes out the dirty run that is free longest, if that is since `before_ms` or earlier; of a long one
  // so many pages at its end, if there is a record for them.
  LooseRun take_decayed(std::uint64_t before_ms, std::size_t most = SIZE_MAX) EXCLUDES(any_mutex)
      RETURN_TYPESTATE(unknown) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    Span* run = runs_.oldest_dirty();
    if (run == nullptr || run->freed_ms_.get() > before_ms) return LooseRun(nullptr);
    const std::size_t pages = run->pages_.get();
    Span* const part = pages > most ? carve_at(run, pages - most, most) : nullptr;
    if (part == nullptr) return LooseRun(leave(run));
    part->is_room_.set(run->is_room_.get());
    return LooseRun(leave_taken(part));
  }
  // Takes out a clean run of whole sectors, to release its addresses.
  LooseRun take_sectors() EXCLUDES(any_mutex) RETURN_TYPESTATE(unknown) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    Span* run = runs_.find_clean_aligned(kSector);
    if (run == nullptr) return LooseRun(nullptr);
    const std::size_t usable = run->pages_.get() - runs_.front_waste(run, kSector);
    const std::size_t pages = usable / kSector * kSector;
    Span* sectors = carve(run, pages, kSector);
    // Records may be all that is missing: these addresses make room for more of them.
    if (sectors == nullptr && metadata_.open_reserve()) sectors = carve(run, pages, kSector);
    return leave_keeper(sectors);
  }

  // --- Sectors that go from ledger to ledger (I12) ----------------------------------------------
  // Whole sectors with at least `pages` pages, which no ledger keeps: the caller has them alone. Dirty
  // ones, and more than are needed, up to half of what lies there: so they come seldom, and do not go to
  // and fro. None if there are no such.
  LooseRun take_dirty_from_keeper(std::size_t pages) EXCLUDES(any_mutex) RETURN_TYPESTATE(unknown) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    const std::size_t all = PageMap::in_sectors(pages);
    Span* const run = runs_.find(all, kSector, false);
    if (run == nullptr) return LooseRun(nullptr);
    const std::size_t half = run->pages_.get() / 2 / kSector * kSector;
    return leave_keeper(carve(run, half > all ? half : all, kSector));
  }
  // As many as are needed, dirty ones first, and from the arena. None if there is no memory.
  LooseRun take_from_keeper(std::size_t pages) EXCLUDES(any_mutex) RETURN_TYPESTATE(unknown) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    const std::size_t all = PageMap::in_sectors(pages);
    Span* run = runs_.find(all, kSector);
    if (run == nullptr) run = grow(all + kSector - 1);
    if (run != nullptr) run = carve(run, all, kSector);
    return leave_keeper(run);
  }
  // Such sectors are this ledger's from now on.
  void keep(LooseRun&& given TAKEN_OVER) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    Span* const run = given.hand_over();
    map_.set_keeper(run->first_page_.get(), run->pages_.get(), number());
    log_debug("run % is kept by ledger % now", extent_of(run), unsigned(number()));
    insert_merged(run, run->was_clean_.get() ? SpanState::kClean : SpanState::kDirty,
                  run->freed_ms_.get());
  }
  // The record of a run of whole sectors, or of a block apart, whose addresses the caller
  // releases now.
  void forget(LooseRun&& leaving TAKEN_OVER) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    Span* const run = leaving.hand_over();
    if constexpr (kGuardsLarge) {
      if (run->is_guarded()) {
        if (run->state_.get() == SpanState::kLarge) guarded_.went();
        guarded_.set_open(run, 0);
      }
    }
    if (run->state_.get() == SpanState::kLarge || run->is_guarded()) {
      map_.set_span(run->first_page_.get(), 1, nullptr);
      parts_.forget_block(run);
    }
    log_debug("run % is forgotten, its addresses are released", extent_of(run));
    arena_.give_up({run->first_page_.get() - run->guard(), run->pages_.get() + run->guard()},
                   !run->is_guarded());
    drop(run);
  }
  // True, once in a while, for the caller who should look for decayed runs now.
  bool is_decay_due(std::uint64_t now_ms, std::uint64_t decay_ms) {
    std::uint64_t due = decay_due_ms_.load(Sync::kRelaxed);
    return now_ms >= due && decay_due_ms_.compare_exchange_strong(
                                due, now_ms + decay_ms / 8, Sync::kRelaxed, Sync::kRelaxed);
  }

  // --- Records of other rooms ------------------------------------------------------------------
  [[nodiscard]] void* take_metadata(std::size_t bytes) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    return metadata_.take(bytes);
  }
  void give_metadata(void* piece, std::size_t bytes) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    metadata_.give(piece, bytes);
  }
  struct PoolPlace {
    void* record = nullptr;  // uninitialised; null if memory is short, and nothing has changed
    std::uint32_t shard = 0;
  };
  // A record for one more local pool, which calls the shard its home that has the fewest. In one hold:
  // threads that begin and end at once meet at no other mutex.
  PoolPlace attach_pool(std::size_t record_bytes) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    void* const record = metadata_.take(record_bytes);
    if (record == nullptr) return {};
    std::uint32_t shards = shards_.load(Sync::kRelaxed);
    if (shards == 0) {
      const unsigned wanted = Limits::shards(Limits::Memory::cpu_count());
      shards = wanted < Limits::kShards ? wanted : Limits::kShards;
      shards_.store(shards, Sync::kRelaxed);
    }
    std::uint32_t least = 0;
    for (std::uint32_t i = 1; i < shards && pools_[least].get() != 0; ++i) {
      if (pools_[i].get() < pools_[least].get()) least = i;
    }
    set_pools(least, pools_[least].get() + 1);
    return {record, least};
  }
  // How many local pools call the shard their home, or did so a moment ago; for any.
  std::uint32_t pools_of(std::uint32_t shard) const {
    return posted_pools_[shard].load(Sync::kRelaxed);
  }
  // Those that have, or have had, spans: the first so many.
  std::uint32_t shards() const {
    const std::uint32_t shards = shards_.load(Sync::kRelaxed);
    return shards != 0 ? shards : 1;  // who has no pool is at home in the first
  }
  // A pool is gone: takes its record back, and chunks that it had beside it.
  void detach_pool(PoolPlace place, std::size_t record_bytes, MetadataChain* chunks = nullptr)
      EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    // After a fork the pools of threads that do not exist are forgotten (retire).
    const std::uint32_t pools = pools_[place.shard].get();
    if (pools != 0) set_pools(place.shard, pools - 1);
    while (chunks != nullptr) {
      MetadataChain* const chunk = std::exchange(chunks, chunks->next);
      metadata_.give(chunk, chunk->bytes);
    }
    metadata_.give(place.record, record_bytes);
  }

  struct Counts {
    std::size_t reserved_bytes = 0;   // address space of the arena
    std::size_t committed_bytes = 0;  // of which may be written
    std::size_t dirty_bytes = 0;      // free, with backing
    std::size_t clean_bytes = 0;      // free, without backing
    std::size_t metadata_bytes = 0;
    std::size_t guard_bytes = 0;      // address space around metadata, and to lay mappings aside
  };
  Counts counts() EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    Counts counts{arena_.reserved_bytes(), arena_.committed_bytes(), dirty_bytes(),
                  runs_.pages(SpanState::kClean) << Limits::kPageShift, metadata_.mapped()};
    if constexpr (kGuardsLarge) {
      const std::size_t granule = Limits::Memory::granule();
      counts.committed_bytes += guarded_.open() * granule;
      counts.dirty_bytes += guarded_.waiting_open() * granule;
      counts.guard_bytes = metadata_.guards() + guarded_.ballast_bytes();
    }
    return counts;
  }

  // Local pools that are attached.
  std::size_t pools() EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    std::size_t pools = 0;
    for (const auto& count : pools_) pools += count.get();
    return pools;
  }
  // The lengths, in bytes, of large blocks, from a sector on: at most kRunsAtOnce of them.
  // `sector` becomes where to go on. Returns how many; 0 if there are none any more.
  static constexpr std::size_t kRunsAtOnce = 4 * Limits::kSectorPages;
  std::size_t large_runs(std::size_t& sector, std::size_t (&bytes)[kRunsAtOnce])
      EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    std::size_t found = 0;
    for (; found <= kRunsAtOnce - Limits::kSectorPages; ++sector) {
      const std::uintptr_t first = map_.next_covered(sector, number());
      if (first == 0) break;
      for (std::uintptr_t page = first; page < first + Limits::kSectorPages; ++page) {
        const Span* const run = static_cast<Span*>(map_.span_at(page));
        if (run == nullptr || run->first_page_.get() != page) continue;
        if (run->state_.get() != SpanState::kLarge || run->is_aside()) continue;
        bytes[found++] = run->accessible_bytes();
      }
    }
    return found;
  }

  // Debug builds and tests: walks every free run.
  bool is_valid() EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    return runs_.is_valid();
  }

 private:
  using Guard = typename Sync::Guard;
  using Parts = LargeParts<Sync, Limits>;

  // A thread died with fork while it held the mutex: all free runs and records may be half
  // linked. They are given up, and the ledger starts anew; taken runs stay valid, and may
  // come here when they are free.
  [[gnu::cold, gnu::noinline]] void retire() REQUIRES(mutex_, any_mutex) {
    parts_.retire();
    runs_.retire();
    arena_.retire();
    metadata_.retire();
    if constexpr (kGuardsLarge) guarded_.retire();
    for (std::uint32_t shard = 0; shard < Limits::kShards; ++shard) set_pools(shard, 0);
    log_note("a fork lost the thread that held the ledger's lock: its free runs are given up");
  }

  // How many pages of a taken run have an entry in the map: a large block's first alone.
  static std::size_t mapped_pages(const Span* run) {
    return run->state_.get() == SpanState::kBlocks ? run->pages_.get() : 1;
  }

  void set_pools(std::uint32_t shard, std::uint32_t count) REQUIRES(mutex_, any_mutex) {
    pools_[shard].set(count);
    posted_pools_[shard].store(count, Sync::kRelaxed);
  }
  Span* new_record(std::uintptr_t page, std::size_t pages) REQUIRES(mutex_, any_mutex) {
    void* piece = metadata_.take(sizeof(Span));
    if (piece == nullptr) return nullptr;
    Span* run = new (piece) Span;
    run->first_page_.set(page);
    run->pages_.set(pages);
    return run;
  }
  void drop(Span* run) REQUIRES(mutex_, any_mutex) {
    run->state_.set(SpanState::kUnused);
    metadata_.give(run, sizeof(Span));
  }

  // A clean run of at least `pages` pages, fresh from the arena; null if there is none.
  Span* grow(std::size_t pages) REQUIRES(mutex_, any_mutex) {
    Span* run = new_record(0, 0);
    Span* left = run != nullptr ? new_record(0, 0) : nullptr;
    Pages rest;
    const Pages fresh = left != nullptr ? arena_.commit(pages, rest) : Pages{};
    insert_fresh(left, rest);
    return insert_fresh(run, fresh);
  }
  // The clean run at `page`, made at least `pages` long if the arena's frontier allows.
  Span* clean_neighbour(std::uintptr_t page, std::size_t pages) REQUIRES(mutex_, any_mutex) {
    Span* next = runs_.neighbour(page, SpanState::kClean);
    const std::size_t have = next != nullptr ? next->pages_.get() : 0;
    if (have >= pages) return next;
    Span* run = new_record(0, 0);
    if (run == nullptr) return nullptr;
    Span* longer = insert_fresh(run, arena_.commit_at(page + have, pages - have));
    return longer != nullptr ? longer : next;
  }
  // The free run of which the pages became a part; none, and no record, of no pages.
  Span* insert_fresh(Span* record, Pages pages) REQUIRES(mutex_, any_mutex) {
    if (pages.count == 0) {
      if (record != nullptr) drop(record);
      return nullptr;
    }
    record->first_page_.set(pages.first);
    record->pages_.set(pages.count);
    return insert_merged(record, SpanState::kClean, 0);
  }

  // Adds a run, merged with its neighbours in the same state; the larger part keeps its age
  // and its record. Returns what they became.
  Span* insert_merged(Span* run, SpanState state, std::uint64_t now_ms)
      REQUIRES(mutex_, any_mutex) {
    run->freed_ms_.set(now_ms);
    Span* into = runs_.neighbour(run->first_page_.get() - 1, state);
    Span* other = runs_.neighbour(run->end_page(), state);
    if (into == nullptr || (other != nullptr && other->pages_.get() > into->pages_.get())) {
      std::swap(into, other);
    }
    if (other != nullptr) absorb(run, other);
    if (into != nullptr && into->pages_.get() < run->pages_.get()) {
      absorb(run, into);
      into = nullptr;
    }
    if (into == nullptr) {
      runs_.insert(run, state);
      log_internal("free run %, clean: %", extent_of(run), state == SpanState::kClean);
      return run;
    }
    const bool before = into->first_page_.get() < run->first_page_.get();
    if (!before) into->is_room_.set(run->is_room_.get());
    runs_.resize(into, before ? into->first_page_.get() : run->first_page_.get(),
                 into->pages_.get() + run->pages_.get());
    log_debug("run % is merged, into %", extent_of(run), extent_of(into));
    drop(run);
    return into;
  }
  void absorb(Span* run, Span* neighbour) REQUIRES(mutex_, any_mutex) {
    log_debug("run % absorbs %", extent_of(run), extent_of(neighbour));
    runs_.remove(neighbour);
    if (neighbour->first_page_.get() < run->first_page_.get()) {
      run->first_page_.set(neighbour->first_page_.get());
      run->is_room_.set(neighbour->is_room_.get());
    }
    run->pages_.set(run->pages_.get() + neighbour->pages_.get());
    drop(neighbour);
  }

  // Fresh addresses for a block between inaccessible pages. Null if they cannot be had: of a limit
  // on them such blocks, which take many times what a small one does, leave most to others.
  Span* reserve_guarded(const GuardedWish& wish) requires(kGuardsLarge)
      REQUIRES(mutex_, any_mutex) {
    const std::size_t pages = wish.align + wish.pages;
    const std::size_t limit = Limits::Memory::limit();
    const std::size_t bytes = arena_.reserved_bytes() + (pages << Limits::kPageShift);
    if (limit != SIZE_MAX && bytes > limit / 4) return nullptr;
    Span* const run = new_record(0, 0);
    if (run == nullptr) return nullptr;
    const Pages piece = arena_.reserve_guarded(pages, wish.align);
    if (piece.count == 0) {
      drop(run);
      return nullptr;
    }
    run->guard_.set(std::uint16_t(wish.align));
    run->first_page_.set(piece.first + wish.align);
    run->pages_.set(piece.count - wish.align);
    run->is_apart_.set(true);
    map_.set_span(run->first_page_.get(), 1, run);
    return run;
  }
  // Before a block falls into parts, which are for everybody when they leave it: all that is
  // inaccessible becomes memory like any other, and the pages before it a free run. False, and
  // nothing has changed, if that cannot be. (Not so for blocks that are not guarded.)
  bool unguard(Span* run) REQUIRES(mutex_, any_mutex) {
    if constexpr (kGuardsLarge) {
      const std::size_t guard = run->guard();
      if (guard == 0) return true;
      Span* const front = new_record(run->first_page_.get() - guard, guard);
      if (front == nullptr) return false;
      if (!arena_.open_guarded({front->first_page_.get(), guard + run->pages_.get()})) {
        drop(front);
        return false;
      }
      run->is_apart_.set(false);
      run->guard_.set(0);
      guarded_.set_open(run, 0);
      guarded_.went();
      log_debug("run % has no inaccessible pages around it any more", extent_of(run));
      insert_merged(front, SpanState::kClean, 0);
    }
    return true;
  }
  bool has_os_pages(Bytes part, PartGiven& given) REQUIRES(mutex_, any_mutex) {
    given.os_pages[0] = parts_.os_pages_of(part, false);
    given.os_pages[1] = parts_.os_pages_of(part, true);
    given.needs_purge = given.os_pages[0].end != 0 || given.os_pages[1].end != 0 ||
                        Limits::Defences::kZeroesFreed;
    return given.needs_purge;
  }
  void insert_left(typename Parts::LooseRuns& left, std::uint64_t now_ms)
      REQUIRES(mutex_, any_mutex) {
    for (;;) {
      LooseRun run = left.pop();
      if (!run) break;
      insert_merged(run.hand_over(), SpanState::kDirty, now_ms);
    }
  }

  std::size_t dirty_bytes() const REQUIRES(mutex_, any_mutex) {
    return runs_.pages(SpanState::kDirty) << Limits::kPageShift;
  }
  static std::size_t pages_for(std::size_t bytes) {
    return (bytes + (std::size_t{1} << Limits::kPageShift) - 1) >> Limits::kPageShift;
  }
  // Lengthens a mapping of a block's own into free addresses, by whole sectors.
  bool lengthen_apart(Span* run, std::size_t least, std::size_t most)
      REQUIRES(mutex_, any_mutex) {
    const Pages block{run->first_page_.get(), run->pages_.get()};
    std::size_t more = arena_.grow_apart(block, most).count;
    if (more < least && least < most) more = arena_.grow_apart(block, least).count;
    run->pages_.set(run->pages_.get() + more);
    log_debug("run %, a mapping of its own, has % of % pages more", extent_of(run), more, most);
    return more >= least;
  }
  // The free run that begins at `page`; null if none does.
  Span* free_at(std::uintptr_t page) const REQUIRES(mutex_, any_mutex) {
    Span* const dirty = runs_.neighbour(page, SpanState::kDirty);
    return dirty != nullptr ? dirty : runs_.neighbour(page, SpanState::kClean);
  }
  // How many pages are free from `page` on, at most `most`: of dirty and clean runs by turns, and the
  // last perhaps fresh from the arena's frontier.
  std::size_t free_pages(std::uintptr_t page, std::size_t most) REQUIRES(mutex_, any_mutex) {
    std::size_t found = 0;
    while (found < most) {
      const Span* next = runs_.neighbour(page + found, SpanState::kDirty);
      if (next == nullptr) next = clean_neighbour(page + found, most - found);
      if (next == nullptr) break;
      found += next->pages_.get();
    }
    return found < most ? found : most;
  }
  // Lengthens a large block's run by at most `most` pages that are free behind it. False, and
  // nothing has changed, if there are not even the least.
  bool lengthen(Span* run, std::size_t least, std::size_t most) REQUIRES(mutex_, any_mutex) {
    if (run->is_apart_.get()) return lengthen_apart(run, least, most);
    std::size_t more = free_pages(run->end_page(), most);
    // (The frontier gives all that is asked for, or nothing.)
    if (more < least && least < most) more = free_pages(run->end_page(), least);
    if (more < least) return false;
    for (std::size_t left = more; left != 0;) {
      Span* const next = free_at(run->end_page());
      const std::size_t pages = next->pages_.get() < left ? next->pages_.get() : left;
      if (pages == next->pages_.get()) {
        runs_.remove(next);
        drop(next);
      } else {
        runs_.resize(next, next->first_page_.get() + pages, next->pages_.get() - pages);
      }
      run->pages_.set(run->pages_.get() + pages);
      left -= pages;
    }
    mark_room(run, true);
    log_debug("run % has been extended by % pages", extent_of(run), more);
    return true;
  }
  // What is free behind a run is there for it to grow, so that others are given the end; or no longer.
  void mark_room(const Span* run, bool is_room) REQUIRES(mutex_, any_mutex) {
    Span* const behind = free_at(run->end_page());
    if (behind != nullptr) behind->is_room_.set(is_room);
  }

  Span* leave(Span* run) REQUIRES(mutex_, any_mutex) {
    runs_.remove(run);
    return leave_taken(run);
  }
  // A taken run of whole sectors, if there is one, is nobody's from now on.
  LooseRun leave_keeper(Span* run) REQUIRES(mutex_, any_mutex) RETURN_TYPESTATE(unknown) {
    if (run == nullptr) return LooseRun(nullptr);
    run->was_clean_.set(run->state_.get() == SpanState::kClean);
    run->is_room_.set(false);
    map_.set_keeper(run->first_page_.get(), run->pages_.get(), PageMap::kNoKeeper);
    return LooseRun(leave_taken(run));
  }
  Span* leave_taken(Span* run) REQUIRES(mutex_, any_mutex) {
    log_debug("run % leaves to be purged or released", extent_of(run));
    run->state_.set(SpanState::kLeaving);
    return run;
  }

  // A run for a block that will grow: at the begin of the longest that is no room of another's, or in the
  // middle of one that is; dirty ones first, where it can grow to some times its size. Null if there is
  // no such run, or no record for it.
  Span* carve_with_room(std::size_t pages) REQUIRES(mutex_, any_mutex) {
    const std::size_t wanted = kRoomTimes * pages;
    Span* run = runs_.longest(SpanState::kDirty, false);
    if (run == nullptr || run->pages_.get() < pages || room_at(run) < wanted) {
      run = runs_.longest(SpanState::kDirty, true);
      if (run == nullptr || run->pages_.get() < wanted) run = runs_.longest(SpanState::kClean, true);
    }
    if (run == nullptr || run->pages_.get() < 2 * pages) return nullptr;
    return carve_at(run, run->is_room_.get() ? run->pages_.get() / 2 : 0, pages);
  }
  // A block moves again when it is so many times as long: the copies of all moves are a third of that.
  static constexpr std::size_t kRoomTimes = 4;
  // Free pages from the run's begin on, if it is not the last.
  std::size_t room_at(const Span* run) const REQUIRES(mutex_, any_mutex) {
    const Span* const behind = free_at(run->end_page());
    return run->pages_.get() + (behind != nullptr ? behind->pages_.get() : 0);
  }

  // Cuts a taken run out of a free one. Null if there is no record for it.
  Span* carve(Span* run, std::size_t pages, std::size_t align) REQUIRES(mutex_, any_mutex) {
    if (!run->is_room_.get()) return carve_at(run, runs_.front_waste(run, align), pages);
    return carve_at(run, ((run->end_page() - pages) & ~(align - 1)) - run->first_page_.get(), pages);
  }
  Span* carve_at(Span* run, std::size_t front, std::size_t pages) REQUIRES(mutex_, any_mutex) {
    const std::size_t back = run->pages_.get() - front - pages;
    const std::uintptr_t page = run->first_page_.get() + front;
    if (front == 0 && back == 0) {
      runs_.remove(run);
      return run;
    }
    Span* taken = new_record(page, pages);
    Span* after = front != 0 && back != 0 ? new_record(page + pages, back) : nullptr;
    if (taken == nullptr || (front != 0 && back != 0 && after == nullptr)) {
      if (taken != nullptr) drop(taken);
      return nullptr;
    }
    taken->state_.set(run->state_.get());
    taken->freed_ms_.set(run->freed_ms_.get());
    if (front == 0) {
      runs_.resize(run, page + pages, back);
    } else {
      runs_.resize(run, run->first_page_.get(), front);
      if (after != nullptr) runs_.insert_beside(after, run);
    }
    return taken;
  }

  PageMap& map_;
  Cell<std::uint8_t> number_{};
  typename Sync::template Atomic<std::uint64_t> decay_due_ms_{0};
  // Apart from what threads of other ledgers read.
  alignas(64) typename Sync::Mutex mutex_;
  FreeRuns<Sync, Limits> runs_ GUARDED_BY(mutex_);
  Arena<Sync, Limits> arena_ GUARDED_BY(mutex_){map_};
  typename Limits::Metadata metadata_ GUARDED_BY(mutex_){};
  Budget<Sync> own_early_;
  Budget<Sync>& early_;  // the first's
  Parts parts_ GUARDED_BY(mutex_);
  typename Sync::template Atomic<std::uint32_t> shards_{0};  // from the first pool on; read by any
  Cell<std::uint32_t> pools_[Limits::kShards] GUARDED_BY(mutex_) = {};
  typename Sync::template Posted<std::uint32_t> posted_pools_[Limits::kShards] = {};  // the same
  using MaybeGuarded =
      std::conditional_t<kGuardsLarge, GuardedBlocks<Sync, Limits>, NoGuardedBlocks>;
  [[no_unique_address]] MaybeGuarded guarded_ GUARDED_BY(mutex_){};
};

}  // namespace ralloc
