// Where pieces of the arena are welcome in the security build: at an address that is drawn by lot,
// and then close together, so that they need few mappings and few pages of the page map.
//
// Thread safety: none; the ledger keeps it under its mutex.
// Invariants: all are hints; who reserves asks the OS, and the map what is covered.
#pragma once

#include <cstddef>
#include <cstdint>

#include "global_pool/page_map.h"

namespace ralloc {

// A place where nobody puts anything unasked: 16 TiB to 64 TiB, in units of so many bytes.
constexpr std::uintptr_t random_base(std::uint64_t random, unsigned unit_shift) {
  const std::uintptr_t least = std::uintptr_t{1} << (44 - unit_shift);
  return least + random % (3 * least);
}

template <class Sync, class Limits>
class Bases {
  template <class T>
  using Cell = typename Sync::template Cell<T>;

 public:
  using PageMap = ralloc::PageMap<Sync, Limits>;

  constexpr explicit Bases(const PageMap& map) : map_(map) {}

  // The first of `pages` pages, whole sectors and the first a multiple of `align`, that are likely
  // to be free: what was given up among the pieces, else below them. 0 before there are any.
  std::uintptr_t near(std::size_t pages, std::size_t align) {
    if (begin_.get() == 0) return 0;
    std::size_t free = 0;
    for (unsigned looked = 0; looked < kLookMost; ++looked) {
      if (rover_.get() == begin_.get()) {
        rover_.set(end_.get());
        free = 0;
      }
      rover_.set(rover_.get() - Limits::kSectorPages);
      free = map_.covers(rover_.get()) ? 0 : free + Limits::kSectorPages;
      if (free >= pages && rover_.get() % align == 0) return rover_.get();
    }
    return (begin_.get() - pages) / align * align;
  }
  // A fresh one: a multiple of `align` pages.
  // Behind it there are `pages` pages that can probably be covered.
  std::uintptr_t anew(std::size_t pages, std::size_t align) {
    begin_.set(0);
    std::uintptr_t page = random_base(Limits::Memory::random(), Limits::kPageShift) / align * align;
    const std::size_t sectors = pages / Limits::kSectorPages;
    for (std::size_t looked = 0; looked < kLookMost && !map_.has_places(page, pages);
         looked += sectors) {
      page += align;
    }
    return page;
  }
  void took(std::uintptr_t page, std::size_t pages) {
    if (begin_.get() == 0) {
      end_.set(page + pages);
      begin_.set(page);
      rover_.set(page);
    } else if (page < begin_.get()) {
      begin_.set(page);  // what alignment has left between is found when it is looked for
    }
  }
  // After a fork they may be half set.
  void retire() { begin_.set(0); }

 private:
  // A sector each: more than lie in the quarantine.
  static constexpr unsigned kLookMost = 512;

  const PageMap& map_;
  Cell<std::uintptr_t> begin_{};  // of all pieces since the last draw; 0 if there are none
  Cell<std::uintptr_t> end_{};
  Cell<std::uintptr_t> rover_{};  // where the search goes on, downwards
};

// In builds without.
struct NoBases {
  template <class PageMap>
  constexpr explicit NoBases(const PageMap&) {}
};

}  // namespace ralloc
