// Large blocks that a shard keeps for its threads: of lengths that are freed and taken again.
//
// The ledger's mutex is the same for all threads, and each such pair would take it twice. But what
// lies here nobody else can use meanwhile. So a block stays only if its length was asked for after
// one such was freed: what is freed once, or by who does not allocate it, goes to the ledger.
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
  using Config = typename Limits::Config;
  static constexpr std::size_t kMostPages = Config::kLargeSpareBytes >> Limits::kPageShift;

 public:
  using Span = ralloc::Span<Sync, Limits>;
  // Blocks of other lengths do not lie here: no thread keeps them, and two have room.
  static constexpr bool may_have(std::size_t pages) {
    return pages > Config::kLargeKeptMost >> Limits::kPageShift && pages <= kMostPages / 2;
  }

  // One of just so many pages; null if there is none. O(blocks that are here).
  Span* take(std::size_t pages) {
    for (Span* s = list_.back(); s != nullptr; s = List::before(s)) {
      if (s->pages_.get() == pages) return remove(s);
    }
    if (Length* const length = find(pages)) length->is_wanted.set(true);
    return nullptr;
  }
  // False if nobody has asked for its length lately: it does not stay.
  bool put(Span* span) {
    const std::size_t pages = span->pages_.get();
    const Length* const length = find(pages);
    if (length == nullptr) remember(pages);
    if (length == nullptr || !length->is_wanted.get()) return false;
    span->bin_.set(kNew);
    list_.push_back(span);
    pages_.set(pages_.get() + pages);
    return true;
  }

  // Those that have to leave, one at a time; null if none has to. For want of room:
  Span* take_surplus() { return pages_.get() > kMostPages ? remove(list_.front()) : nullptr; }
  // any;
  Span* take_any() { return list_.front() != nullptr ? remove(list_.front()) : nullptr; }
  // one that was here at the last look already. Its length is not wanted any more.
  Span* take_old() {
    Span* const oldest = list_.front();
    if (oldest == nullptr || oldest->bin_.get() != kOld) return nullptr;
    if (Length* const length = find(oldest->pages_.get())) length->is_wanted.set(false);
    return remove(oldest);
  }
  // The look.
  void age() {
    for (Span* s = list_.front(); s != nullptr; s = List::after(s)) s->bin_.set(kOld);
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
    return pages == pages_.get() && pages <= kMostPages;
  }

 private:
  using List = ralloc::List<Sync, Span, &Span::in_bin_>;
  static constexpr std::uint32_t kNew = 0;  // in the place of a bin's number
  static constexpr std::uint32_t kOld = 1;
  struct Length {
    Cell<std::size_t> pages{};
    Cell<bool> is_wanted{};
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
    length.is_wanted.set(false);
    next_.set((next_.get() + 1) % kLengths);
  }

  List list_{};  // the oldest first
  Cell<std::size_t> pages_{};
  Length lengths_[kLengths] = {};  // those that were freed last
  Cell<std::uint32_t> next_{};
};

}  // namespace ralloc
