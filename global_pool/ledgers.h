// The ledgers: one on a small machine; where there are many cores more, for at one mutex their threads
// would wait for each other. A thread takes runs from the ledger of its shard, and gives each back to
// the one that keeps its sector.
//
// The first has the arena. A ledger that has no run that is long enough gets whole sectors, and keeps
// them: what is free and dirty of others', or else fresh ones of the arena.
//
// Thread safety: every member function may be called from any thread, with no lock held.
// Invariants: I12 a sector has one keeper, and its free runs and entries in the map are the keeper's
// alone; between two keepers it has none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "global_pool/ledger.h"
#include "global_pool/loose_run.h"
#include "global_pool/page_map.h"
#include "global_pool/span.h"
#include "shim/log.h"

namespace ralloc {

template <class Sync, class Limits>
class Ledgers {
 public:
  using Span = ralloc::Span<Sync, Limits>;
  using LooseRun = ralloc::LooseRun<Sync, Limits>;
  using Ledger = ralloc::Ledger<Sync, Limits>;
  using PageMap = ralloc::PageMap<Sync, Limits>;
  static constexpr unsigned kMost = Limits::kLedgers;

  constexpr explicit Ledgers(PageMap& map) : map_(map), first_(map) {}

  Ledger& first() { return first_; }
  const Ledger& first() const { return first_; }
  // The one that keeps a run, for who has it alone.
  Ledger& of(const Span* run) { return at(run->first_page_.get()); }
  // The same of the page of an address; the first, if it is nobody's.
  Ledger& of_address(std::uintptr_t address) { return at(address >> Limits::kPageShift); }
  // The one that threads of a shard take from, made if need be; the first where there is no memory for
  // another.
  Ledger& of_shard(std::uint32_t shard) {
    if constexpr (kMost > 1) {
      const unsigned wanted = Limits::ledgers(first_.shards());
      const unsigned number = wanted < 2 ? 0 : shard % (wanted < kMost ? wanted : kMost);
      Ledger* ledger = numbered(number);
      if (ledger == nullptr) ledger = open(number);
      if (ledger != nullptr) return *ledger;
    }
    return first_;
  }
  // Null if there is no such ledger, yet.
  Ledger* numbered([[maybe_unused]] unsigned number) {
    if constexpr (kMost > 1) {
      // Acquire pairs with the release in open(): who finds it finds it made.
      if (number != 0) return more_[number - 1].load(Sync::kAcquire);
    }
    return &first_;
  }

  // --- Taking runs, as Ledger::take ----------------------------------------------------------
  // From the ledger of the shard, with sectors of others that are free and dirty, since these have
  // backing.
  LooseRun take_at_hand(std::uint32_t shard, std::size_t pages, std::size_t align, SpanState state,
                        std::uint32_t words, bool will_grow) RETURN_TYPESTATE(unknown) {
    return take_of(of_shard(shard), pages, align, state, words, will_grow);
  }
  // The same, and then with fresh sectors; from the OS; from any.
  LooseRun take(std::uint32_t shard, std::size_t pages, std::size_t align, SpanState state,
                std::uint32_t words, bool will_grow = false) RETURN_TYPESTATE(unknown) {
    if constexpr (kMost > 1) {
      Ledger& own = of_shard(shard);
      LooseRun run = take_of(own, pages, align, state, words, will_grow);
      if (!run && &own != &first_ && get_fresh_sectors(own, pages + align - 1)) {
        run = own.take(pages, align, state, words, will_grow, false);
      }
      if (!run) run = first_.take(pages, align, state, words, will_grow);
      if (!run) {
        // The last resort: what others have that is no whole sector.
        unsigned from = 0;
        run = take_from_any(from, [&](Ledger& ledger) {
          return ledger.take(pages, align, state, words, will_grow, false);
        });
      }
      return run;
    } else {
      return first_.take(pages, align, state, words, will_grow);
    }
  }

  // --- All of them ---------------------------------------------------------------------------
  // What `take` gives for a ledger, of the first that has some: from the one numbered `from` on, modulo
  // the most that there can be, which becomes the one where to go on.
  template <class Take>
  LooseRun take_from_any(unsigned& from, Take take) RETURN_TYPESTATE(unknown) {
    for (unsigned tried = 0; tried < kMost; ++tried, ++from) {
      Ledger* const ledger = numbered(from % kMost);
      if (ledger == nullptr) continue;
      LooseRun run = take(*ledger);
      if (run) return LooseRun(run.hand_over());
    }
    return LooseRun(nullptr);
  }
  typename Ledger::Counts counts() {
    typename Ledger::Counts counts = first_.counts();
    for (unsigned n = 1; n < kMost; ++n) {
      Ledger* const ledger = numbered(n);
      if (ledger == nullptr) continue;
      const typename Ledger::Counts one = ledger->counts();
      counts.dirty_bytes += one.dirty_bytes;
      counts.clean_bytes += one.clean_bytes;
      counts.metadata_bytes += one.metadata_bytes;
    }
    return counts;
  }
  // As Ledger::large_runs; `place` is where to go on, at first 0.
  std::size_t large_runs(std::size_t& place, std::size_t (&bytes)[Ledger::kRunsAtOnce]) {
    for (; place >> kSectorBits < kMost; place = ((place >> kSectorBits) + 1) << kSectorBits) {
      const std::size_t number = place >> kSectorBits;
      Ledger* const ledger = numbered(unsigned(number));
      if (ledger == nullptr) continue;
      std::size_t sector = place & ((std::size_t{1} << kSectorBits) - 1);
      const std::size_t found = ledger->large_runs(sector, bytes);
      place = number << kSectorBits | sector;
      if (found != 0) return found;
    }
    return 0;
  }
  bool is_valid() {
    for (unsigned n = 0; n < kMost; ++n) {
      Ledger* const ledger = numbered(n);
      if (ledger != nullptr && !ledger->is_valid()) return false;
    }
    return true;
  }

 private:
  // More than there are sectors.
  static constexpr unsigned kSectorBits = 32;

  Ledger& at(std::uintptr_t page) {
    if constexpr (kMost > 1) {
      const std::uint8_t keeper = map_.keeper_of(page);
      if (keeper != 0 && keeper != PageMap::kNoKeeper) return *numbered(keeper);
    }
    return first_;
  }
  [[gnu::cold, gnu::noinline]] Ledger* open(unsigned number) {
    void* const memory = first_.take_metadata(sizeof(Ledger));
    if (memory == nullptr) return nullptr;
    Ledger* const made = new (memory) Ledger(first_, std::uint8_t(number));
    Ledger* other = nullptr;
    // Release pairs with the acquire in numbered().
    if (more_[number - 1].compare_exchange_strong(other, made, Sync::kRelease, Sync::kRelaxed)) {
      log_note("ledger % is there", number);
      return made;
    }
    // Another thread was faster.
    made->~Ledger();
    first_.give_metadata(memory, sizeof(Ledger));
    return numbered(number);
  }
  LooseRun take_of(Ledger& own, std::size_t pages, std::size_t align, SpanState state,
                   std::uint32_t words, bool will_grow) RETURN_TYPESTATE(unknown) {
    LooseRun run = own.take(pages, align, state, words, will_grow, false);
    if constexpr (kMost > 1) {
      if (!run && get_dirty_sectors(own, pages + align - 1)) {
        run = own.take(pages, align, state, words, will_grow, false);
      }
    }
    return run;
  }
  // For who has no run of so many pages. False if there are no such.
  [[gnu::cold, gnu::noinline]] bool get_dirty_sectors(Ledger& own, std::size_t pages) {
    unsigned from = own.number() + 1u;
    LooseRun sectors = take_from_any(from, [&](Ledger& ledger) {
      return &ledger == &own ? LooseRun(nullptr) : ledger.take_dirty_from_keeper(pages);
    });
    if (!sectors) return false;
    own.keep(std::move(sectors));
    return true;
  }
  // More than are needed, if they are to be had.
  [[gnu::cold, gnu::noinline]] bool get_fresh_sectors(Ledger& own, std::size_t pages) {
    const std::size_t wanted = Limits::kLedgerPages > pages ? Limits::kLedgerPages : pages;
    LooseRun sectors = first_.take_from_keeper(wanted);
    if (!sectors) sectors = first_.take_from_keeper(pages);
    if (!sectors) return false;
    own.keep(std::move(sectors));
    return true;
  }

  // What all threads read, and nobody writes to once all ledgers are there.
  PageMap& map_;
  using Place = typename Sync::template Once<Ledger*>;
  Place more_[kMost > 1 ? kMost - 1 : 1] = {};
  Ledger first_;
};

}  // namespace ralloc
