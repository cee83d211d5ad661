// One mutex-guarded part of the bookkeeper: the spans whose blocks go home to it.
//
// `take` and `give` are the handoff protocol between local pools and the global pool.
//
// Thread safety: every member function may be called from any thread; none calls out, makes
// a system call other than the mutex's own, or takes a second lock (I5).
// Invariants: I1 a block is free in its span, or outside: in one pool or held. I2, I3, I4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "global_pool/loose_run.h"
#include "global_pool/page_map.h"
#include "global_pool/span.h"
#include "shim/mutex.h"

namespace ralloc {

// Shards lie in an array; each begins a cache line, lest neighbours disturb each other.
template <class Sync, class Limits>
class alignas(64) Shard {
  template <class T>
  using Cell = typename Sync::template Cell<T>;

 public:
  using Span = ralloc::Span<Sync, Limits>;
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
  [[nodiscard]] Taken take(std::uint32_t size_class, void** end, std::size_t n)
      EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    return {take_locked(size_class, end, n), spans_[size_class].get()};
  }

  // Makes a fresh span this shard's and takes blocks from it: from no other, lest it stays
  // wholly free in the shard (I4), and at once, lest others empty it.
  [[nodiscard]] std::size_t adopt(std::uint32_t index, LooseRun&& run TAKEN_OVER, void** end,
                                  std::size_t n) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    Span* const span = run.hand_over();
    span->home_.set(home_word(index));
    count(span, 1);
    const std::size_t taken = span->take(end, n);
    span->bin_above_.set(0);
    if (span->free_.get() != 0) link(span);
    return taken;
  }

  // Gives back those of the `n` blocks that are at home here, shard `index`.
  [[nodiscard]] Given give(std::uint32_t index, const PageMap& map, void** blocks, std::size_t n)
      EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    return give_locked(index, map, blocks, n);
  }

  struct Counts {
    std::size_t blocks_bytes = 0;  // in blocks outside the spans: held or in pools
    std::size_t spans_bytes = 0;   // in spans, wholly
  };
  // O(spans with free blocks).
  Counts counts() EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    Counts counts;
    for (std::uint32_t c = 0; c < Limits::kClasses; ++c) {
      std::size_t blocks = capacity_[c].get();
      for (const Bin& bin : lists_[c]) {
        for (Span* s = bin.front(); s != nullptr; s = Bin::after(s)) blocks -= s->free_.get();
      }
      counts.blocks_bytes += blocks * Limits::size_class(c).block_size;
    }
    counts.spans_bytes = pages_.get() << Limits::kPageShift;
    return counts;
  }

  // Debug builds and tests: walks every span that has a free block.
  bool is_valid() EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    for (std::uint32_t c = 0; c < Limits::kClasses; ++c) {
      for (std::uint32_t bin = 0; bin < Span::kFullnessBins; ++bin) {
        for (Span* s = lists_[c][bin].front(); s != nullptr; s = Bin::after(s)) {
          if (!s->is_valid() || s->class_.get() != c || s->free_.get() == 0 ||
              s->is_wholly_free() || s->bin_.get() != bin || s->bin_for_free() != bin) {
            return false;
          }
        }
      }
    }
    return true;
  }

 private:
  using Guard = typename Sync::Guard;
  using Bin = List<Sync, Span, &Span::in_bin_>;

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
  }

  std::size_t take_locked(std::uint32_t size_class, void** end, std::size_t n)
      REQUIRES(mutex_, any_mutex) {
    std::size_t taken = 0;
    for (Bin& bin : lists_[size_class]) {
      while (taken < n && bin.front() != nullptr) {
        Span* span = bin.front();
        unlink(span);
        taken += span->take(end - taken, n - taken);
        if (span->free_.get() != 0) link(span);
      }
    }
    return taken;
  }

  Given give_locked(std::uint32_t index, const PageMap& map, void** blocks, std::size_t n)
      REQUIRES(mutex_, any_mutex) {
    Given given;
    const std::uint32_t here = home_word(index);
    // The span of the last block: neighbours often come together. No bytes when unknown.
    Span* span = nullptr;
    std::uintptr_t begin = 0;
    std::uintptr_t bytes = 0;
    for (std::size_t i = 0; i < n; ++i) {
      void* const block = blocks[i];
      if (reinterpret_cast<std::uintptr_t>(block) - begin >= bytes) {
        span = static_cast<Span*>(map.span_at(PageMap::page_of(block)));
        if (UNLIKELY(span == nullptr || span->home_.get() != here)) {
          if (span == nullptr || span->home_.get() == Span::kNobody) {
            given.culprit = block;
            given.misuse = Misuse::kDoubleFree;
            return given;
          }
          // Else it is of a span given up in retire().
          if ((span->home_.get() & 255) != index) blocks[given.kept++] = block;
          bytes = 0;
          continue;
        }
        begin = reinterpret_cast<std::uintptr_t>(span->begin());
        bytes = span->bytes();
      }
      const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(block) - begin;
      if (UNLIKELY(!span->put(std::uint32_t(offset), given.misuse))) {
        given.culprit = block;
        return given;
      }
      if (UNLIKELY(span->free_.get() > span->bin_above_.get()) && move_bin(span, given)) bytes = 0;
    }
    return given;
  }

  // A block came home, and its span belongs into another bin now, or into the ledger: then
  // it is ours no longer, and true is returned.
  bool move_bin(Span* span, Given& given) REQUIRES(mutex_, any_mutex) {
    if (span->bin_above_.get() != 0) unlink(span);
    if (!span->is_wholly_free()) {
      link(span);
      return false;
    }
    count(span, std::size_t(-1));
    span->home_.set(Span::kNobody);
    given.emptied.push(LooseRun(*span));
    return true;
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
  }
  void unlink(Span* span) REQUIRES(mutex_, any_mutex) {
    lists_[span->class_.get()][span->bin_.get()].remove(span);
    span->bin_above_.set(0);  // full, or wholly free: in no list
  }

  typename Sync::Mutex mutex_;
  Cell<std::uint32_t> epoch_ GUARDED_BY(mutex_){};
  Bin lists_[Limits::kClasses][Span::kFullnessBins] GUARDED_BY(mutex_) = {};
  Cell<std::size_t> spans_[Limits::kClasses] GUARDED_BY(mutex_) = {};
  Cell<std::size_t> capacity_[Limits::kClasses] GUARDED_BY(mutex_) = {};  // blocks in those
  Cell<std::size_t> pages_ GUARDED_BY(mutex_){};                         // in all spans
};

}  // namespace ralloc
