// Large blocks that a shard keeps for its threads: of lengths that are freed and taken again.
//
// The ledger's mutex is the same for all threads, and each such pair would take it twice. But what
// lies here others cannot use. So there is a demand for each length: who asks for it raises it, a
// block that stays lowers it, and where there is none a block goes to the ledger. What is freed once,
// or by who does not allocate it, does not stay.
//
// Thread safety: none; the shard's mutex guards it. Invariants: I1: what is here is aside
// (GlobalPool::set_aside), and in no other list.
#pragma once

#include <cstddef>
#include <cstdint>

#include "global_pool/list.h"
#include "global_pool/span.h"

namespace ralloc {

template <class Sync, class Limits>
class LargeSpares {
  template <class T>
  using Cell = typename Sync::template Cell<T>;

 public:
  using Span = ralloc::Span<Sync, Limits>;
  // Whether blocks of so many pages may lie here, where all may have `most` pages: no thread keeps
  // them, and two have room.
  static constexpr bool may_have(std::size_t pages, std::size_t most) {
    return pages > Limits::Config::kLargeKeptMost >> Limits::kPageShift && pages <= most / 2;
  }

  // One of just so many pages, the first a multiple of `align`; null if there is none.
  // O(blocks that are here).
  Span* take(std::size_t pages, std::size_t align) {
    if (Length* const length = find(pages)) length->demand.set(length->demand.get() + 1);
    for (Span* s = list_.back(); s != nullptr; s = List::before(s)) {
      const bool fits = s->pages_.get() == pages && s->first_page_.get() % align == 0;
      if (fits) return remove(s);
    }
    return nullptr;
  }
  // False if there is no demand for its length: it does not stay.
  bool put(Span* span) {
    const std::size_t pages = span->pages_.get();
    Length* const length = find(pages);
    if (length == nullptr) remember(pages);
    if (length == nullptr || length->demand.get() == 0) return false;
    length->demand.set(length->demand.get() - 1);
    span->bin_.set(kNew);
    list_.push_back(span);
    pages_.set(pages_.get() + pages);
    return true;
  }

  // Those that have to leave, one at a time; null if none has to. If more than `most` pages are here;
  Span* take_surplus(std::size_t most) {
    return pages_.get() > most ? remove(list_.front()) : nullptr;
  }
  // any, or one that was here at the last look already.
  Span* take_oldest(bool any) {
    Span* const oldest = list_.front();
    return oldest != nullptr && (any || oldest->bin_.get() == kOld) ? remove(oldest) : nullptr;
  }
  // The look. What was asked for long ago is no demand.
  void age() {
    for (Span* s = list_.front(); s != nullptr; s = List::after(s)) s->bin_.set(kOld);
    for (Length& length : lengths_) length.demand.set(0);
  }
  // All are lost.
  void clear() {
    list_.clear();
    pages_.set(0);
  }

  std::size_t bytes() const { return pages_.get() << Limits::kPageShift; }
  bool is_valid() const {
    std::size_t pages = 0;
    for (Span* s = list_.front(); s != nullptr; s = List::after(s)) {
      if (!s->is_aside() || s->state_.get() != SpanState::kLarge) return false;
      pages += s->pages_.get();
    }
    return pages == pages_.get();
  }

 private:
  using List = ralloc::List<Sync, Span, &Span::in_bin_>;
  static constexpr std::uint32_t kNew = 0;  // in the place of a bin's number
  static constexpr std::uint32_t kOld = 1;
  struct Length {
    Cell<std::size_t> pages{};
    Cell<std::size_t> demand{};
  };
  static constexpr std::uint32_t kLengths = 4;

  Span* remove(Span* span) {
    list_.remove(span);
    pages_.set(pages_.get() - span->pages_.get());
    return span;
  }
  Length* find(std::size_t pages) {
    for (Length& length : lengths_) {
      if (length.pages.get() == pages) return &length;
    }
    return nullptr;
  }
  // In the place of the one that was remembered longest.
  void remember(std::size_t pages) {
    Length& length = lengths_[next_.get()];
    length.pages.set(pages);
    length.demand.set(0);
    next_.set((next_.get() + 1) % kLengths);
  }

  List list_{};  // the oldest first
  Cell<std::size_t> pages_{};
  Length lengths_[kLengths] = {};  // those that were freed last
  Cell<std::uint32_t> next_{};
};

}  // namespace ralloc
