// One mutex-guarded part of the bookkeeper: the spans whose blocks go home to it, and large blocks that
// its threads free and take again.
//
// `take` and `give` are the handoff protocol between local pools and the global pool.
//
// Thread safety: every member function may be called from any thread; none calls out, makes
// a system call other than the mutex's own, or takes a second lock (I5).
// Invariants: I1 a block is free in its span, or outside: in one pool or held. I2, I3, I4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "global_pool/large_spares.h"
#include "global_pool/loose_run.h"
#include "global_pool/page_map.h"
#include "global_pool/span.h"
#include "global_pool/span_log.h"
#include "shim/mutex.h"

namespace ralloc {

// Shards lie in an array; each begins a cache line, lest neighbours disturb each other.
template <class Sync, class Limits>
class alignas(64) Shard {
  template <class T>
  using Cell = typename Sync::template Cell<T>;

 public:
  using Span = ralloc::Span<Sync, Limits>;
  using Seed = ralloc::Seed<Limits>;
  using Fragment = typename Span::Fragment;
  using LooseRun = ralloc::LooseRun<Sync, Limits>;
  using LooseRuns = ralloc::LooseRuns<Sync, Limits>;
  using PageMap = ralloc::PageMap<Sync, Limits>;

  // What became of the blocks given; the caller acts on it with no lock held.
  struct Given {
    std::size_t kept = 0;     // blocks of other shards, moved to the front of the array
    LooseRuns emptied{};      // wholly free spans, for the ledger
    void* culprit = nullptr;  // a block that cannot be given, where the giving stopped
    Misuse misuse{};          // and why
  };

  constexpr Shard() = default;

  struct Taken {
    std::size_t count;
    std::size_t spans;  // of the class, that the shard has: how long a fresh one should be
  };
  // Takes up to `n` free blocks of a class, from the fullest spans, downwards from `end`.
  [[nodiscard]] Taken take(std::uint32_t size_class, void** end, std::size_t n, Seed seed = {})
      EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    return {take_locked(size_class, end, n, seed), spans_[size_class].get()};
  }

  // Makes a fresh span this shard's and takes blocks from it: from no other, lest it stays
  // wholly free in a list (I4), and at once, lest others empty it.
  [[nodiscard]] std::size_t adopt(std::uint32_t index, LooseRun&& run TAKEN_OVER, void** end,
                                  std::size_t n, Seed seed = {}) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    Span* const span = run.hand_over();
    span->home_.set(home_word(index));
    count(span, 1);
    span->bin_above_.set(0);
    const std::size_t taken = take_from(span, end, n, seed);
    log_debug(blocks_of(span), "shard % has a fresh span %, % of its blocks are taken", index,
              extent_of(span), taken);
    return taken;
  }

  // Gives back those of the `n` blocks that are at home here, shard `index`.
  [[nodiscard]] Given give(std::uint32_t index, const PageMap& map, void** blocks, std::size_t n)
      EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    return give_locked(index, map, blocks, n);
  }

  // The spares that nobody has had use for since the last call but one, or all; large ones too: for
  // the ledger.
  [[nodiscard]] LooseRuns give_up_spares(bool all) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    LooseRuns given;
    while (Span* const oldest = spares_.front()) {
      if (!all && oldest->bin_.get() != kUnusedSpare) break;
      leave(take_spare(oldest), given);
    }
    for (Span* s = spares_.front(); s != nullptr; s = Bin::after(s)) s->bin_.set(kUnusedSpare);
    leave_large(all, given);
    large_.age();
    return given;
  }

  // --- Large blocks -------------------------------------------------------------------------------
  using LargeSpares = ralloc::LargeSpares<Sync, Limits>;
  struct LargeTaken {
    Span* span = nullptr;
    LooseRuns left{};  // for the ledger
  };
  // One of just so many pages that is here, the first a multiple of `align`; it is aside. If there is
  // none all leave, for what is needed may be theirs; and so for one that will grow, which needs room.
  [[nodiscard]] LargeTaken take_large(std::size_t pages, std::size_t align, bool will_grow)
      EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    LargeTaken taken;
    if (!will_grow) taken.span = large_.take(pages, align);
    if (taken.span == nullptr) leave_large(true, taken.left);
    return taken;
  }
  // Keeps one that is aside, or others, of at most so many pages; those that leave are for the ledger.
  [[nodiscard]] LooseRuns keep_large(Span* span, std::size_t most) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    LooseRuns left;
    if (large_.put(span)) {
      log_debug("% stays with a shard", extent_of(span));
      while (Span* const other = large_.take_surplus(most)) leave_large(other, left);
    } else {
      leave_large(span, left);
    }
    return left;
  }
  // All of them: for the ledger.
  [[nodiscard]] LooseRuns give_up_large() EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    LooseRuns left;
    leave_large(true, left);
    return left;
  }

  // --- Parts of blocks ----------------------------------------------------------------------------
  struct PartGiven {
    LooseRuns emptied{};        // wholly free spans, for the ledger
    std::size_t needs = 0;      // bytes of a record, without which nothing was done
    bool took_memory = false;   // for the record
    Fragment* unused = nullptr; // a record that is needed no longer, and its bytes
    std::size_t unused_bytes = 0;
    void* culprit = nullptr;    // the part, if it cannot be given
    Misuse misuse{};            // and why
  };
  // Frees a part of a block at home here, shard `index`: the block comes home with its last
  // part. `memory` is for a record, or null.
  [[nodiscard]] PartGiven give_part(std::uint32_t index, const PageMap& map, void* part,
                                    std::size_t size, void* memory) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    PartGiven given;
    Part at;
    if (!locate(index, map, part, size, at, given)) return given;
    if (at.fragment == nullptr && memory == nullptr && (at.first != 0 || at.last != at.asked)) {
      given.needs = Fragment::bytes_for(at.size / Limits::kPartGrain);
      return given;
    }
    if (at.fragment == nullptr && memory != nullptr) {
      given.took_memory = true;
      at.fragment = at.span->add_fragment(memory, at.position, at.size / Limits::kPartGrain);
      at.fragment->bits().set(grain(at.asked), grain(at.size));
    }
    bool is_last = true;
    if (at.fragment != nullptr) {
      FreedBits<Sync> freed = at.fragment->bits();
      freed.set(grain(at.first), grain(at.last));
      is_last = freed.all(0, grain(at.size));
    }
    if constexpr (Limits::Defences::kStates) {
      if (!note_freed(at, part, size, is_last, given)) return given;
    }
    if (!is_last) return given;
    if (at.fragment != nullptr) drop_fragment(at, given.unused, given.unused_bytes);
    typename Span::Intake intake(at.span);
    CHECK(intake.put(at.position * at.size, given.misuse));
    if (intake.is_above_bin()) move_bin(at.span, given.emptied);
    return given;
  }

  struct PartGrown {
    std::size_t bytes = 0;      // from now on; 0 if not even the least is to be had
    Fragment* unused = nullptr; // a record that is needed no longer, and its bytes
    std::size_t unused_bytes = 0;
    void* culprit = nullptr;    // the part, if it is not the program's
    Misuse misuse{};            // and why
  };
  // Lengthens a part of `size` bytes to at most `most` and at least `least` (not less than it
  // has) by freed bytes behind it that were asked for with the block.
  [[nodiscard]] PartGrown extend_part(std::uint32_t index, const PageMap& map, void* part,
                                      std::size_t size, std::size_t least, std::size_t most)
      EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    PartGrown grown;
    Part at;
    const bool is_found = locate(index, map, part, size, at, grown);
    if (grown.culprit != nullptr) return grown;
    std::size_t bytes = size;
    if (is_found && at.fragment != nullptr && at.last < at.asked && most > size) {
      FreedBits<Sync> freed = at.fragment->bits();
      const std::size_t room = at.asked - at.first;
      const std::size_t end = at.first + (most < room ? most : room);
      bytes = freed.first_live(grain(at.last), grain(end)) * Limits::kPartGrain - at.first;
      if (bytes < least) return grown;
      freed.clear(grain(at.last), grain(at.first + bytes));
      if (freed.none(0, grain(at.asked))) {
        drop_fragment(at, grown.unused, grown.unused_bytes);
        if constexpr (Limits::Defences::kStates) Limits::note_whole(begin_of(at));
      }
    }
    if (bytes >= least) grown.bytes = bytes;
    return grown;
  }

  struct Counts {
    std::size_t blocks_bytes = 0;  // in blocks outside the spans: held or in pools
    std::size_t spans_bytes = 0;   // in spans, wholly
    std::size_t large_bytes = 0;   // in large blocks that are nobody's
  };
  // O(spans with free blocks).
  Counts counts() EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    Counts counts;
    for (std::uint32_t c = 0; c < Limits::kClasses; ++c) {
      counts.blocks_bytes += blocks_outside(c) * Limits::size_class(c).block_size;
    }
    counts.spans_bytes = pages_.get() << Limits::kPageShift;
    counts.large_bytes = large_.bytes();
    return counts;
  }

  // Adds to each class its blocks outside the spans. O(spans with free blocks).
  void count_outside(std::size_t (&blocks)[Limits::kClasses]) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    for (std::uint32_t c = 0; c < Limits::kClasses; ++c) blocks[c] += blocks_outside(c);
  }

  // --- Looking for what the program did wrong ---------------------------------------------------
  struct Found {
    void* culprit = nullptr;
    Misuse misuse{};
  };
  // What has come to light of the blocks `reach` before `address` to `reach` behind it, if blocks
  // were last taken from the span there. (Any other one may be gone.)
  Found look_at(const void* address, std::uint32_t reach)
      requires(Limits::Defences::kStates) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    Found found;
    Span* const span = recent_.span.get();
    if (span == nullptr) return found;
    const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(address) -
                                  reinterpret_cast<std::uintptr_t>(span->begin());
    if (offset >= span->bytes()) return found;
    const std::uint32_t at = block_index(std::uint32_t(offset), span->reciprocal_.get());
    look_at_blocks(span, at > reach ? at - reach : 0, at + reach, found);
    return found;
  }
  // The same of all blocks in spans that have free ones, until `pages` pages were seen; these
  // become less.
  Found look_at_all(std::size_t& pages) requires(Limits::Defences::kStates) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    Found found;
    for (auto& bins : lists_) {
      for (const Bin& bin : bins) look_at_spans(bin, pages, found);
    }
    look_at_spans(spares_, pages, found);
    return found;
  }

  // Debug builds and tests: walks every span that has a free block.
  bool is_valid() EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    for (std::uint32_t c = 0; c < Limits::kClasses; ++c) {
      for (std::uint32_t bin = 0; bin < Span::kFullnessBins; ++bin) {
        for (Span* s = lists_[c][bin].front(); s != nullptr; s = Bin::after(s)) {
          if (!s->is_valid() || !s->fragments_are_valid() || s->class_.get() != c ||
              s->free_.get() == 0 ||
              s->is_wholly_free() || s->bin_.get() != bin || s->bin_for_free() != bin) {
            return false;
          }
        }
      }
    }
    return spares_are_valid() && large_.is_valid();
  }

 private:
  using Guard = typename Sync::Guard;
  using Bin = List<Sync, Span, &Span::in_bin_>;
  // In the place of a bin's number: a spare, one that was there at the last look.
  static constexpr std::uint32_t kSpare = Span::kFullnessBins;
  static constexpr std::uint32_t kUnusedSpare = kSpare + 1;
  // The span that blocks were last taken from, while it is here.
  struct Recent {
    Cell<Span*> span{};
  };
  struct NoRecent {};
  using MaybeRecent = std::conditional_t<Limits::Defences::kStates, Recent, NoRecent>;

  // Blocks of a class that are held or in pools.
  std::size_t blocks_outside(std::uint32_t size_class) const REQUIRES(mutex_, any_mutex) {
    std::size_t blocks = capacity_[size_class].get();
    if (blocks == 0) return 0;
    for (const Bin& bin : lists_[size_class]) {
      for (Span* s = bin.front(); s != nullptr; s = Bin::after(s)) blocks -= s->free_.get();
    }
    const Span* const spare = spare_of_[size_class].get();
    return spare != nullptr ? blocks - spare->free_.get() : blocks;
  }
  bool spares_are_valid() const REQUIRES(mutex_, any_mutex) {
    std::size_t classes = 0;
    for (const auto& spare : spare_of_) classes += spare.get() != nullptr;
    std::size_t pages = 0;
    for (Span* s = spares_.front(); s != nullptr; s = Bin::after(s), --classes) {
      if (spare_of_[s->class_.get()].get() != s || s->bin_above_.get() != 0) return false;
      if (!s->is_valid() || !s->fragments_are_valid() || !s->is_wholly_free()) return false;
      pages += s->pages_.get();
    }
    return classes == 0 && pages == spare_pages_.get();
  }
  std::uint32_t home_word(std::uint32_t index) const REQUIRES(mutex_, any_mutex) {
    return index | epoch_.get() << 8;
  }

  // A thread died with fork while it held the mutex. Spans that it was changing may be half
  // written, and which those are is not known: all are given up. Their blocks stay valid;
  // those that come home are ignored.
  [[gnu::cold, gnu::noinline]] void retire() REQUIRES(mutex_, any_mutex) {
    epoch_.set((epoch_.get() + 1) & 0xffffff);
    for (auto& bins : lists_) {
      for (Bin& bin : bins) bin.clear();
    }
    spares_.clear();
    for (auto& spare : spare_of_) spare.set(nullptr);
    spare_pages_.set(0);
    large_.clear();
    if constexpr (Limits::Defences::kStates) recent_.span.set(nullptr);
    log_note("a fork lost the thread that held a shard's lock: its spans are given up");
  }

  std::size_t take_locked(std::uint32_t size_class, void** end, std::size_t n, Seed seed)
      REQUIRES(mutex_, any_mutex) {
    std::size_t taken = 0;
    while (taken < n) {
      Span* const span = fullest(size_class);
      if (span == nullptr) break;
      unlink(span);
      taken += take_from(span, end - taken, n - taken, seed);
    }
    if (taken != 0) return taken;
    Span* const spare = spare_of_[size_class].get();
    return spare != nullptr ? take_from(take_spare(spare), end, n, seed) : 0;
  }
  // The first span of the first bin that has any. (A loop of its own: most bins are empty.)
  Span* fullest(std::uint32_t size_class) const REQUIRES(mutex_, any_mutex) {
    for (const Bin& bin : lists_[size_class]) {
      if (Span* const span = bin.front()) return span;
    }
    return nullptr;
  }
  // From a span that is in no list.
  std::size_t take_from(Span* span, void** end, std::size_t n, Seed seed)
      REQUIRES(mutex_, any_mutex) {
    const std::size_t taken = span->take(end, n, seed);
    log_internal(blocks_of(span), "span % gives % blocks, of % that are wanted", extent_of(span),
                 taken, n);
    if constexpr (Limits::Defences::kStates) recent_.span.set(span);
    if (span->free_.get() != 0) link(span);
    return taken;
  }

  // Of the blocks `first` to `last` of a span, or to its end.
  void look_at_blocks(Span* span, std::uint32_t first, std::uint32_t last, Found& found)
      requires(Limits::Defences::kStates) REQUIRES(mutex_, any_mutex) {
    for (std::uint32_t i = first; i <= last && i < span->capacity_.get(); ++i) {
      char* const block = span->begin() + std::size_t{i} * span->block_size_.get();
      if (Limits::has_misuse(block, span->class_.get(), span->is_free(i), found.misuse)) {
        found.culprit = block;
        return;
      }
    }
  }

  // Of all blocks of the spans in a list, until something is found.
  void look_at_spans(const Bin& bin, std::size_t& pages, Found& found)
      requires(Limits::Defences::kStates) REQUIRES(mutex_, any_mutex) {
    for (Span* s = bin.front(); s != nullptr && pages != 0 && found.culprit == nullptr;
         s = Bin::after(s)) {
      look_at_blocks(s, 0, s->capacity_.get(), found);
      pages -= s->pages_.get() < pages ? s->pages_.get() : pages;
    }
  }

  // A part of a block, in bytes from the block's begin.
  struct Part {
    Span* span = nullptr;
    std::uint32_t position = 0;
    std::size_t size = 0;   // of the block
    std::size_t asked = 0;  // of these the program asked for
    std::size_t first = 0;  // of the part
    std::size_t last = 0;   // behind the part
    Fragment* fragment = nullptr;
  };
  static std::size_t grain(std::size_t bytes) { return bytes / Limits::kPartGrain; }

  // False if the part is not live, and then `answer` says why; or if its span was given up.
  template <class Answer>
  bool locate(std::uint32_t index, const PageMap& map, void* part, std::size_t size, Part& at,
              Answer& answer) REQUIRES(mutex_, any_mutex) {
    const auto refuse = [&](Misuse misuse) {
      answer.culprit = part;
      answer.misuse = misuse;
      return false;
    };
    Span* const span = static_cast<Span*>(map.span_at(PageMap::page_of(part)));
    if (span == nullptr || span->home_.get() == Span::kNobody) return refuse(Misuse::kDoubleFree);
    if (span->home_.get() != home_word(index)) return false;
    const std::uint32_t offset = std::uint32_t(static_cast<char*>(part) - span->begin());
    at.span = span;
    at.position = block_index(offset, span->reciprocal_.get());
    at.size = span->block_size_.get();
    if (at.position >= span->capacity_.get()) return refuse(Misuse::kNotABlock);
    at.first = offset - at.position * at.size;
    at.last = at.first + size;
    if (size > at.size || at.last > at.size) return refuse(Misuse::kOverFree);
    if (span->is_free(at.position)) return refuse(Misuse::kDoubleFree);
    if constexpr (Limits::Defences::kStates) {
      if (!Limits::is_live(begin_of(at))) return refuse(Misuse::kDoubleFree);
    }
    at.fragment = span->fragment_of(at.position);
    at.asked = at.size - Limits::slack_of(static_cast<char*>(part) - at.first, span->class_.get());
    if (at.last > at.asked) return refuse(Misuse::kOverFree);
    if (at.fragment != nullptr && !at.fragment->bits().none(grain(at.first), grain(at.last))) {
      return refuse(Misuse::kPartFreed);
    }
    return true;
  }
  static char* begin_of(const Part& at) {
    return at.span->begin() + at.position * at.size;
  }
  // False if the block was found overwritten behind its end.
  bool note_freed(const Part& at, void* part, std::size_t size, bool is_last, PartGiven& given)
      requires(Limits::Defences::kStates) REQUIRES(mutex_, any_mutex) {
    char* const block = begin_of(at);
    if (Limits::note_part_freed(block, at.span->class_.get(), part, size, is_last)) return true;
    given.culprit = block;
    given.misuse = Misuse::kOverflow;
    return false;
  }
  void drop_fragment(Part& at, Fragment*& unused, std::size_t& unused_bytes)
      REQUIRES(mutex_, any_mutex) {
    at.span->remove_fragment(at.fragment);
    unused = at.fragment;
    unused_bytes = Fragment::bytes_for(at.size / Limits::kPartGrain);
  }

  Given give_locked(std::uint32_t index, const PageMap& map, void** blocks, std::size_t n)
      REQUIRES(mutex_, any_mutex) {
    Given given;
    const std::uint32_t here = home_word(index);
    typename Span::Intake intake;  // of the last block's span: neighbours often come together
    for (void** at = blocks; at != blocks + n; ++at) {
      void* const block = *at;
      std::uintptr_t offset = intake.offset_of(block);
      if (!intake.has_block_at(offset)) {
        Span* const span = static_cast<Span*>(map.span_at(PageMap::page_of(block)));
        if (UNLIKELY(span == nullptr || span->home_.get() != here)) {
          if (span == nullptr || span->home_.get() == Span::kNobody) {
            given.culprit = block;
            given.misuse = Misuse::kDoubleFree;
            return given;
          }
          // Else it is of a span given up in retire().
          if ((span->home_.get() & 255) != index) blocks[given.kept++] = block;
          continue;
        }
        intake = typename Span::Intake(span);
        offset = intake.offset_of(block);
        const bool is_in_it = intake.has_block_at(offset);
        const bool has_fragments = span->fragments_.get() != 0;
        if (UNLIKELY(!is_in_it) || (UNLIKELY(has_fragments) && span->has_fragment_at(block))) {
          given.culprit = block;
          given.misuse = is_in_it ? Misuse::kPartFreed : Misuse::kNotABlock;
          return given;
        }
        if (UNLIKELY(has_fragments)) intake.take_one();  // the next block may have a fragment
      }
      if (UNLIKELY(!intake.put(offset, given.misuse))) {
        given.culprit = block;
        return given;
      }
      if (UNLIKELY(intake.is_above_bin())) {
        move_bin(intake.span(), given.emptied);
        intake = {};
      }
    }
    return given;
  }

  // A block came home, and its span belongs into another bin now, or among the spares.
  void move_bin(Span* span, LooseRuns& emptied) REQUIRES(mutex_, any_mutex) {
    if (span->bin_above_.get() != 0) unlink(span);
    if (!span->is_wholly_free()) {
      link(span);
    } else {
      keep_spare(span, emptied);
    }
  }

  // A span becomes the spare of its class, in the place of another; and the oldest of all leave
  // that are too many, which may be itself.
  void keep_spare(Span* span, LooseRuns& emptied) REQUIRES(mutex_, any_mutex) {
    Cell<Span*>& place = spare_of_[span->class_.get()];
    if (place.get() != nullptr) leave(take_spare(place.get()), emptied);
    log_debug(blocks_of(span), "span % is wholly free", extent_of(span));
    place.set(span);
    span->bin_.set(kSpare);
    spares_.push_back(span);
    spare_pages_.set(spare_pages_.get() + span->pages_.get());
    while (spare_pages_.get() > kSparePages) leave(take_spare(spares_.front()), emptied);
  }
  Span* take_spare(Span* span) REQUIRES(mutex_, any_mutex) {
    DCHECK(span != nullptr && spare_of_[span->class_.get()].get() == span);
    spare_of_[span->class_.get()].set(nullptr);
    spares_.remove(span);
    spare_pages_.set(spare_pages_.get() - span->pages_.get());
    return span;
  }
  // A wholly free span that is in no list.
  void leave(Span* span, LooseRuns& left) REQUIRES(mutex_, any_mutex) {
    log_debug(blocks_of(span), "span % leaves its shard", extent_of(span));
    count(span, std::size_t(-1));
    span->home_.set(Span::kNobody);
    if constexpr (Limits::Defences::kStates) {
      if (recent_.span.get() == span) recent_.span.set(nullptr);
    }
    left.push(LooseRun(*span));
  }

  void leave_large(Span* span, LooseRuns& left) REQUIRES(mutex_, any_mutex) {
    log_debug("% leaves its shard", extent_of(span));
    span->is_aside_.store(false, Sync::kRelaxed);
    left.push(LooseRun(*span));
  }
  [[gnu::noinline]] void leave_large(bool all, LooseRuns& left) REQUIRES(mutex_, any_mutex) {
    while (Span* const span = large_.take_oldest(all)) leave_large(span, left);
  }

  // A span joins (1) or leaves (-1).
  void count(const Span* span, std::size_t sign) REQUIRES(mutex_, any_mutex) {
    const std::uint32_t c = span->class_.get();
    spans_[c].set(spans_[c].get() + sign);
    capacity_[c].set(capacity_[c].get() + sign * span->capacity_.get());
    pages_.set(pages_.get() + sign * span->pages_.get());
  }

  void link(Span* span) REQUIRES(mutex_, any_mutex) {
    const std::uint32_t bin = span->bin_for_free();
    span->bin_.set(bin);
    span->bin_above_.set(span->most_free_in(bin));
    lists_[span->class_.get()][bin].push_front(span);
    log_internal(blocks_of(span), "span % is in bin % now", extent_of(span), bin);
  }
  void unlink(Span* span) REQUIRES(mutex_, any_mutex) {
    lists_[span->class_.get()][span->bin_.get()].remove(span);
    span->bin_above_.set(0);  // full, or wholly free: in no bin
  }

  typename Sync::Mutex mutex_;
  Cell<std::uint32_t> epoch_ GUARDED_BY(mutex_){};
  Bin lists_[Limits::kClasses][Span::kFullnessBins] GUARDED_BY(mutex_) = {};
  Cell<std::size_t> spans_[Limits::kClasses] GUARDED_BY(mutex_) = {};
  Cell<std::size_t> capacity_[Limits::kClasses] GUARDED_BY(mutex_) = {};  // blocks in those
  Cell<std::size_t> pages_ GUARDED_BY(mutex_){};                         // in all spans
  // Wholly free spans that stay, for what comes next: the last of each class, the oldest first.
  static constexpr std::size_t kSparePages = Limits::Config::kSpareBytes >> Limits::kPageShift;
  Bin spares_ GUARDED_BY(mutex_){};
  Cell<Span*> spare_of_[Limits::kClasses] GUARDED_BY(mutex_) = {};
  Cell<std::size_t> spare_pages_ GUARDED_BY(mutex_){};
  LargeSpares large_ GUARDED_BY(mutex_){};
  [[no_unique_address]] MaybeRecent recent_ GUARDED_BY(mutex_){};
};

}  // namespace ralloc
