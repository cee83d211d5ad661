// The free runs of pages: found by length, merged with neighbours, and kept in order of age.
//
// Thread safety: none; the ledger keeps it under its mutex.
// Invariants: the page map has the first and the last page of each free run, and no other page
// of it. Dirty runs are in order of age.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "global_pool/list.h"
#include "global_pool/page_map.h"
#include "global_pool/span.h"

namespace ralloc {

template <class Sync, class Limits>
class FreeRuns {
  template <class T>
  using Cell = typename Sync::template Cell<T>;

 public:
  using Span = ralloc::Span<Sync, Limits>;
  using PageMap = ralloc::PageMap<Sync, Limits>;

  // Those of the ledger with this number.
  constexpr FreeRuns(PageMap& map, std::uint8_t ledger) : map_(map), ledger_(ledger) {}

  std::size_t pages(SpanState state) const { return pages_[kind_of(state)].get(); }
  Span* oldest_dirty() const { return by_age_.front(); }

  // The free run in `state` that begins, or ends, at `page`; null if none. A page outside the
  // arena may share its place in the map with one inside, so the run is asked for its pages.
  // What is another ledger's is read by nobody here (I12).
  Span* neighbour(std::uintptr_t page, SpanState state) const {
    if (map_.keeper_of(page) != ledger_) return nullptr;
    Span* run = static_cast<Span*>(map_.span_at(page));
    if (run == nullptr || run->state_.get() != state) return nullptr;
    if (run->ledger_epoch_.get() != epoch_.get()) return nullptr;
    return run->first_page_.get() == page || run->end_page() - 1 == page ? run : nullptr;
  }

  // The run that fits best, nearly; dirty ones first: their backing is there already.
  Span* find(std::size_t pages, std::size_t align, bool may_be_clean = true) const {
    for (unsigned kind : {kDirty, kClean}) {
      if (kind == kClean && !may_be_clean) break;
      for (unsigned bin = bin_of(pages); (bin = next_bin(kind, bin)) < kBins; ++bin) {
        // In the first bin above kExactBins some are too short; bound the search.
        unsigned looked = 0;
        for (Span* run = bins_[kind][bin].front(); run != nullptr && looked < kLookMost;
             run = Bin::after(run), ++looked) {
          if (front_waste(run, align) + pages <= run->pages_.get()) return run;
        }
      }
    }
    return nullptr;
  }
  // One of the longest in `state`, and if not asked otherwise no room of a block that grows; null if
  // there is none.
  Span* longest(SpanState state, bool of_rooms_too) const {
    unsigned looked = 0;
    for (unsigned w = kWords; w-- > 0;) {
      for (std::uint64_t word = bits_[kind_of(state)][w].get(); word != 0;) {
        const unsigned bit = unsigned(std::bit_width(word)) - 1;
        word &= ~(std::uint64_t{1} << bit);
        for (Span* run = bins_[kind_of(state)][w * 64 + bit].front(); run != nullptr;
             run = Bin::after(run)) {
          if (of_rooms_too || !run->is_room_.get()) return run;
          if (++looked == kLookMost) return nullptr;
        }
      }
    }
    return nullptr;
  }
  // A clean run with at least `pages` pages that begin and end at multiples of `pages`.
  Span* find_clean_aligned(std::size_t pages) const {
    for (unsigned bin = bin_of(pages); (bin = next_bin(kClean, bin)) < kBins; ++bin) {
      for (Span* run = bins_[kClean][bin].front(); run != nullptr; run = Bin::after(run)) {
        if (front_waste(run, pages) + pages <= run->pages_.get()) return run;
      }
    }
    return nullptr;
  }
  // Pages before the first multiple of `align` in the run.
  static std::size_t front_waste(const Span* run, std::size_t align) {
    return -run->first_page_.get() & (align - 1);
  }

  // Adds a run that became free now: not before the newest, though its thread read the clock
  // earlier and had to wait.
  void insert(Span* run, SpanState state) {
    put_in_bin(run, state);
    if (state != SpanState::kDirty) return;
    const Span* newest = by_age_.back();
    if (newest != nullptr && newest->freed_ms_.get() > run->freed_ms_.get()) {
      run->freed_ms_.set(newest->freed_ms_.get());
    }
    by_age_.push_back(run);
  }
  // Adds a run that was cut off `parent`, which is in the same state and as old.
  void insert_beside(Span* run, Span* parent) {
    run->freed_ms_.set(parent->freed_ms_.get());
    put_in_bin(run, parent->state_.get());
    if (parent->state_.get() == SpanState::kDirty) by_age_.insert_after(parent, run);
  }
  void remove(Span* run) {
    take_from_bin(run);
    if (run->state_.get() == SpanState::kDirty) by_age_.remove(run);
  }
  // Changes the bounds of a run, which keeps its age; its bin, most often, stays the same.
  void resize(Span* run, std::uintptr_t first, std::size_t pages) {
    const SpanState state = run->state_.get();
    if (bin_of(pages) != bin_of(run->pages_.get())) {
      take_from_bin(run);
      run->first_page_.set(first);
      run->pages_.set(pages);
      return put_in_bin(run, state);
    }
    Cell<std::size_t>& total = pages_[kind_of(state)];
    total.set(total.get() - run->pages_.get() + pages);
    set_ends(run, nullptr);
    run->first_page_.set(first);
    run->pages_.set(pages);
    set_ends(run, run);
  }

  // After a fork all may be half linked: forgets all runs, also those that the map has.
  void retire() {
    epoch_.set(epoch_.get() + 1);
    for (unsigned kind : {kDirty, kClean}) {
      for (Bin& bin : bins_[kind]) bin.clear();
      for (auto& word : bits_[kind]) word.set(0);
      pages_[kind].set(0);
    }
    by_age_.clear();
  }

  // Debug builds and tests: walks every run.
  bool is_valid() const {
    for (unsigned kind : {kDirty, kClean}) {
      std::size_t pages = 0;
      for (unsigned bin = 0; bin < kBins; ++bin) {
        for (Span* run = bins_[kind][bin].front(); run != nullptr; run = Bin::after(run)) {
          pages += run->pages_.get();
          if (!is_valid_run(run, kind, bin)) return false;
        }
        if ((bins_[kind][bin].front() != nullptr) != has_bit(kind, bin)) return false;
      }
      if (pages != pages_[kind].get()) return false;
    }
    std::uint64_t age = 0;
    for (Span* run = by_age_.front(); run != nullptr; run = AgeList::after(run)) {
      if (run->state_.get() != SpanState::kDirty || run->freed_ms_.get() < age) return false;
      age = run->freed_ms_.get();
    }
    return true;
  }

 private:
  using Bin = List<Sync, Span, &Span::in_bin_>;
  using AgeList = List<Sync, Span, &Span::by_age_>;

  // Runs of 1 to 32 pages have a bin for each length; above, four bins for each doubling.
  static constexpr unsigned kExactBins = 32;
  static constexpr unsigned kBins = kExactBins + 4 * 32;
  static constexpr unsigned kWords = (kBins + 63) / 64;
  static constexpr unsigned kLookMost = 64;
  static constexpr unsigned kDirty = 0;
  static constexpr unsigned kClean = 1;

  static unsigned bin_of(std::size_t pages) {
    if (pages <= kExactBins) return unsigned(pages) - 1;
    const unsigned log = unsigned(std::bit_width(pages)) - 1;
    const unsigned bin = kExactBins + (log - 5) * 4 + unsigned((pages >> (log - 2)) & 3);
    return bin < kBins ? bin : kBins - 1;
  }
  static unsigned kind_of(SpanState state) { return state == SpanState::kDirty ? kDirty : kClean; }

  bool has_bit(unsigned kind, unsigned bin) const {
    return (bits_[kind][bin / 64].get() >> (bin % 64) & 1) != 0;
  }
  unsigned next_bin(unsigned kind, unsigned bin) const {
    while (bin < kBins) {
      const std::uint64_t word = bits_[kind][bin / 64].get() >> (bin % 64);
      if (word != 0) return bin + unsigned(std::countr_zero(word));
      bin = (bin / 64 + 1) * 64;
    }
    return kBins;
  }

  void set_ends(Span* run, Span* entry) {
    map_.set_span(run->first_page_.get(), 1, entry);
    map_.set_span(run->end_page() - 1, 1, entry);
  }
  void put_in_bin(Span* run, SpanState state) {
    run->state_.set(state);
    run->ledger_epoch_.set(epoch_.get());
    set_ends(run, run);
    const unsigned kind = kind_of(state);
    const unsigned bin = bin_of(run->pages_.get());
    bins_[kind][bin].push_front(run);
    Cell<std::uint64_t>& word = bits_[kind][bin / 64];
    word.set(word.get() | std::uint64_t{1} << (bin % 64));
    pages_[kind].set(pages_[kind].get() + run->pages_.get());
  }
  void take_from_bin(Span* run) {
    const unsigned kind = kind_of(run->state_.get());
    const unsigned bin = bin_of(run->pages_.get());
    bins_[kind][bin].remove(run);
    if (bins_[kind][bin].front() == nullptr) {
      Cell<std::uint64_t>& word = bits_[kind][bin / 64];
      word.set(word.get() & ~(std::uint64_t{1} << (bin % 64)));
    }
    pages_[kind].set(pages_[kind].get() - run->pages_.get());
    set_ends(run, nullptr);
  }

  bool is_valid_run(const Span* run, unsigned kind, unsigned bin) const {
    const SpanState state = kind == kDirty ? SpanState::kDirty : SpanState::kClean;
    return run->state_.get() == state && bin_of(run->pages_.get()) == bin &&
           neighbour(run->first_page_.get(), state) == run &&
           neighbour(run->end_page() - 1, state) == run &&
           neighbour(run->end_page(), state) == nullptr;
  }

  PageMap& map_;
  const std::uint8_t ledger_;
  Cell<std::uint32_t> epoch_{};
  Bin bins_[2][kBins] = {};
  Cell<std::uint64_t> bits_[2][kWords] = {};
  Cell<std::size_t> pages_[2] = {};
  AgeList by_age_{};
};

}  // namespace ralloc
