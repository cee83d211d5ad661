// The address space that runs are cut from: reserved in pieces of whole sectors, and committed
// from the front of the newest piece as it is needed.
//
// Thread safety: none; the ledger keeps it under its mutex. Addresses are released by the
// caller, outside.
// Invariants: I8 (by PageMap::cover); I9 uncommitted pages are at the frontier or in no record.
#pragma once

#include <cstddef>
#include <cstdint>

#include "global_pool/page_map.h"
#include "shim/log.h"

namespace ralloc {

// Pages that follow each other; none if `count` is 0.
struct Pages {
  std::uintptr_t first = 0;
  std::size_t count = 0;
};

template <class Sync, class Limits>
class Arena {
  template <class T>
  using Cell = typename Sync::template Cell<T>;
  using Memory = typename Limits::Memory;
  using Config = typename Limits::Config;

 public:
  using PageMap = ralloc::PageMap<Sync, Limits>;

  constexpr explicit Arena(PageMap& map) : map_(map) {}

  std::size_t reserved_bytes() const { return reserved_.get() << Limits::kPageShift; }
  std::size_t committed_bytes() const { return committed_.get() << Limits::kPageShift; }

  // At least `pages` fresh pages, committed; none if the OS refuses. `rest` is what was left of
  // the piece before, committed too, or none.
  Pages commit(std::size_t pages, Pages& rest) {
    if (pages > frontier_.count && pages >= kPiecePages / 2) {
      // Too much to share a piece.
      const Pages piece = reserve(in_sectors(pages));
      return piece.count == 0 || commit_pages(piece) ? piece : give_up_and_release(piece);
    }
    if (pages > frontier_.count) {
      const Pages piece = reserve_piece(pages);
      if (piece.count == 0) return {};
      rest = commit_pages(frontier_) ? frontier_ : give_up_and_release(frontier_);
      frontier_ = piece;
    }
    return commit_frontier(pages);
  }
  // As commit, but the pages begin at `page`: none unless the frontier is there.
  Pages commit_at(std::uintptr_t page, std::size_t pages) {
    return page == frontier_.first && pages <= frontier_.count ? commit_frontier(pages) : Pages{};
  }

  // A piece of its own for one block, covered; its backing will come with the pages that are
  // moved there.
  Pages reserve_apart(std::size_t pages) {
    const Pages piece = reserve(in_sectors(pages));
    committed_.set(committed_.get() + piece.count);
    return piece;
  }

  // Such a piece, which ends before `page`, grows by at least `pages` pages, committed; none
  // unless the addresses are free.
  Pages grow_apart(std::uintptr_t page, std::size_t pages) {
    const Pages more{page, in_sectors(pages)};
    const std::size_t bytes = more.count << Limits::kPageShift;
    if (!Memory::reserve_at(address(page), bytes)) return {};
    if (!map_.cover(page, more.count)) {
      Memory::release(address(page), bytes);
      return {};
    }
    reserved_.set(reserved_.get() + more.count);
    return commit_pages(more) ? more : give_up_and_release(more);
  }

  // Whole sectors, committed, whose addresses the caller releases now.
  void give_up(Pages pages) {
    map_.uncover(pages.first, pages.count);
    reserved_.set(reserved_.get() - pages.count);
    committed_.set(committed_.get() - pages.count);
  }

  // After a fork the frontier may be half moved.
  void retire() { frontier_ = {}; }

 private:
  static constexpr std::size_t kPiecePages = Config::kArenaPiece >> Limits::kPageShift;
  static constexpr unsigned kReserveTries = 8;

  static std::size_t in_sectors(std::size_t pages) {
    return (pages + Limits::kSectorPages - 1) / Limits::kSectorPages * Limits::kSectorPages;
  }
  static void* address(std::uintptr_t page) {
    return reinterpret_cast<void*>(page << Limits::kPageShift);
  }

  // What is asked of the OS when so many pages are needed.
  std::size_t step_for(std::size_t pages) const {
    const std::size_t bytes =
        Config::commit_bytes(pages << Limits::kPageShift, committed_bytes());
    const std::size_t step = bytes >> Limits::kPageShift;
    return step > pages ? step : pages;
  }
  static Extent extent(Pages pages) {
    return {address(pages.first), pages.count << Limits::kPageShift};
  }

  Pages commit_frontier(std::size_t pages) {
    Pages next{frontier_.first, step_for(pages)};
    if (next.count > frontier_.count) next.count = frontier_.count;
    if (!commit_pages(next)) {
      // When the step is refused, what is needed may still be granted.
      if (next.count == pages) return {};
      next.count = pages;
      if (!commit_pages(next)) return {};
    }
    frontier_ = {next.first + next.count, frontier_.count - next.count};
    return next;
  }

  bool commit_pages(Pages pages) {
    if (pages.count == 0) return true;
    const Extent bytes = extent(pages);
    if (!Memory::commit(address(pages.first), bytes.size)) {
      log_warning("the OS does not commit %", bytes);
      return false;
    }
    log_debug("% is committed", bytes);
    committed_.set(committed_.get() + pages.count);
    return true;
  }

  // A piece for at least `pages` pages: smaller than usual where the process may not have much.
  Pages reserve_piece(std::size_t pages) {
    const std::size_t least = in_sectors(pages);
    std::size_t wanted = piece_pages_.get() > least ? piece_pages_.get() : least;
    for (;; wanted = wanted / 2 > least ? in_sectors(wanted / 2) : least) {
      const Pages piece = reserve(wanted);
      if (piece.count != 0) {
        piece_pages_.set(2 * wanted < kPiecePages ? 2 * wanted : kPiecePages);
        return piece;
      }
      if (wanted == least) break;
    }
    piece_pages_.set(Limits::kSectorPages);  // do not begin with what is refused the next time
    return {};
  }

  // Exactly `pages` pages, whole sectors, covered by the map.
  Pages reserve(std::size_t pages) {
    if (pages > map_.window_pages()) return {};
    const std::size_t bytes = pages << Limits::kPageShift;
    const std::size_t align = bytes % Config::kArenaAlign == 0
                                  ? Config::kArenaAlign
                                  : Limits::kSectorPages << Limits::kPageShift;
    // Below the last piece, where the kernel would put it too: pieces grow together.
    void* hint = newest_.get() != 0 ? address(newest_.get() - pages) : nullptr;
    for (unsigned tries = 0; tries < kReserveTries; ++tries) {
      void* piece = Memory::reserve(bytes, align, hint);
      if (piece == nullptr) {
        log_warning("the OS does not reserve % bytes", bytes);
        return {};
      }
      const std::uintptr_t first = PageMap::page_of(piece);
      if (map_.cover(first, pages)) {
        newest_.set(first);
        reserved_.set(reserved_.get() + pages);
        log_debug("% is reserved", Extent{piece, bytes});
        return {first, pages};
      }
      log_internal("% clashes in the page map, or that has no memory", Extent{piece, bytes});
      // The window has a place of it already: look elsewhere, a golden share of 1 TiB away.
      Memory::release(piece, bytes);
      hint = address((first + std::uintptr_t{0x9e3780} * (tries + 1)) & kUserPages);
    }
    return {};
  }
  static constexpr std::uintptr_t kUserPages =
      (std::uintptr_t{1} << (46 - Limits::kPageShift)) - 1;

  // A reserved piece, or the rest of one, that cannot be committed. A first part that is not a
  // whole sector shares its sector with committed pages and stays reserved.
  Pages give_up_and_release(Pages pages) {
    const std::size_t shared = -pages.first & (Limits::kSectorPages - 1);
    if (shared >= pages.count) return {};
    map_.uncover(pages.first + shared, pages.count - shared);
    reserved_.set(reserved_.get() - (pages.count - shared));
    log_debug("% is released without having been committed", extent({pages.first + shared,
                                                                    pages.count - shared}));
    Memory::release(address(pages.first + shared), (pages.count - shared) << Limits::kPageShift);
    return {};
  }

  PageMap& map_;
  Cell<std::size_t> reserved_{};   // pages
  Cell<std::size_t> committed_{};  // pages
  Cell<std::uintptr_t> newest_{};  // first page of the newest piece
  Cell<std::size_t> piece_pages_{kPiecePages};  // to reserve next
  Pages frontier_{};               // reserved, not yet committed
};

}  // namespace ralloc
