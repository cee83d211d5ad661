// The address space that runs are cut from: reserved in pieces of whole sectors, and committed
// from the front of the newest piece as it is needed.
//
// Thread safety: none; the ledger keeps it under its mutex. Addresses are released by the
// caller, outside.
// In the security build the first and the last page of each piece are guards, and one before each
// step: they stay inaccessible and belong to no run, as long as the process has mappings for that.
// A sector with a guard is never released by itself, so there is none where addresses are limited.
// Invariants: I8 (by PageMap::cover); I9 uncommitted pages are at the frontier or in no record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "global_pool/bases.h"
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
  using Defences = typename Limits::Defences;
  // From guard to guard, if there are any.
  static constexpr std::size_t kInterval = Defences::kGuardInterval >> Limits::kPageShift;
  static constexpr std::size_t kGuard = kInterval != 0 ? 1 : 0;

 public:
  using PageMap = ralloc::PageMap<Sync, Limits>;

  constexpr explicit Arena(PageMap& map) : map_(map) {}

  std::size_t reserved_bytes() const { return reserved_.get() << Limits::kPageShift; }
  std::size_t committed_bytes() const { return committed_.get() << Limits::kPageShift; }

  // At least `pages` fresh pages, committed; none if the OS refuses. `rest` is what was left of
  // the piece before, committed too, or none.
  Pages commit(std::size_t pages, Pages& rest) {
    const bool fits = pages + guard() <= frontier_.count;
    if constexpr (kGuard != 0) {
      if (!fits && Memory::limit() != SIZE_MAX) spare_guards();
    }
    if (!fits && pages >= kOwnPiecePages) {
      // Too much to share a piece.
      const Pages piece = reserve(PageMap::in_sectors(pages + 2 * guard()));
      return piece.count == 0 ? piece : commit_piece(piece);
    }
    if (!fits) {
      const Pages piece = reserve_piece(pages + 2 * guard());
      if (piece.count == 0) return {};
      rest = commit_rest();
      frontier_ = {piece.first, piece.count - guard()};
      if constexpr (kGuard != 0) end_guard_.set(guard());
    }
    return commit_frontier(pages);
  }
  // As commit, but the pages begin at `page`: none unless the frontier is there.
  Pages commit_at(std::uintptr_t page, std::size_t pages) {
    if constexpr (kGuard != 0) return {};  // there is a guard
    return page == frontier_.first && pages <= frontier_.count ? commit_frontier(pages) : Pages{};
  }

  // A piece of its own for one block, covered; its backing will come with the pages that are
  // moved there.
  Pages reserve_apart(std::size_t pages) {
    const Pages piece = reserve(PageMap::in_sectors(pages));
    committed_.set(committed_.get() + piece.count);
    return piece;
  }

  // As reserve_apart; the first page is a multiple of `align`. Only some of its OS pages will be
  // accessible, which are not counted here.
  Pages reserve_guarded(std::size_t pages, std::size_t align) {
    const std::size_t multiple = align > Limits::kSectorPages ? align : Limits::kSectorPages;
    return reserve(PageMap::in_sectors(pages), multiple << Limits::kPageShift);
  }
  // Such a piece, which ends before `page`, grows by at least `pages` pages, reserved only.
  Pages grow_guarded(std::uintptr_t page, std::size_t pages) {
    return reserve_behind(page, PageMap::in_sectors(pages));
  }
  // Makes all of such a piece accessible.
  bool open_guarded(Pages piece) { return commit_pages(piece); }

  // A piece that is all of a block apart grows by at least `pages` pages, committed; none unless the
  // addresses are free.
  Pages grow_apart(Pages block, std::size_t pages) {
    const Pages more{block.first + block.count, PageMap::in_sectors(pages)};
    const Extent bytes = extent(more);
    if (!Memory::extend(address(block.first), extent(block).size, bytes.size)) return {};
    log_debug("% is committed", bytes);
    const Pages covered = cover(more);
    committed_.set(committed_.get() + covered.count);
    return covered;
  }

  // Whole sectors, committed or not, whose addresses the caller releases now.
  void give_up(Pages pages, bool was_committed) {
    map_.uncover(pages.first, pages.count);
    reserved_.set(reserved_.get() - pages.count);
    if (was_committed) committed_.set(committed_.get() - pages.count);
  }

  // From now on there are no guards in the arena: the process has no mappings for them.
  void spare_guards() requires(kGuard != 0) { spares_guards_.set(true); }

  // After a fork the frontier may be half moved.
  void retire() {
    frontier_ = {};
    if constexpr (Defences::kRandomBases) bases_.retire();
  }

 private:
  static constexpr std::size_t kPiecePages = Config::kArenaPiece >> Limits::kPageShift;
  static constexpr unsigned kReserveTries = 8;
  static constexpr unsigned kNearTries = 4;
  // What is left of a piece, when another is begun, is less than an interval.
  static constexpr std::size_t kOwnPiecePages =
      kGuard != 0 && kInterval < kPiecePages / 2 ? kInterval : kPiecePages / 2;

  std::size_t guard() const { return kGuard != 0 && !spares_guards_.get() ? kGuard : 0; }
  static void* address(std::uintptr_t page) {
    return reinterpret_cast<void*>(page << Limits::kPageShift);
  }

  // Just these pages, whole sectors, covered by the map; none unless the addresses are free.
  Pages reserve_behind(std::uintptr_t page, std::size_t pages) {
    if (!Memory::reserve_at(address(page), pages << Limits::kPageShift)) return {};
    return cover({page, pages});
  }
  // What the OS has just given behind a piece; given back, and none, where the map cannot cover it.
  Pages cover(Pages pages) {
    if (!map_.cover(pages.first, pages.count)) {
      Memory::release(address(pages.first), pages.count << Limits::kPageShift);
      return {};
    }
    reserved_.set(reserved_.get() + pages.count);
    return pages;
  }

  // What is asked of the OS when so many pages are needed.
  std::size_t step_for(std::size_t pages) const {
    const std::size_t bytes =
        Config::commit_bytes(pages << Limits::kPageShift, committed_bytes());
    std::size_t step = bytes >> Limits::kPageShift;
    if constexpr (kGuard != 0) {
      if (step >= kInterval) step = kInterval - kGuard;
    }
    return step > pages ? step : pages;
  }
  static Extent extent(Pages pages) {
    return {address(pages.first), pages.count << Limits::kPageShift};
  }

  Pages commit_frontier(std::size_t pages) {
    const std::size_t room = frontier_.count - guard();
    const std::size_t step = step_for(pages) < room ? step_for(pages) : room;
    Pages next = commit_behind_guard(step);
    // When the step is refused, what is needed may still be granted.
    if (next.count == 0 && step != pages) next = commit_behind_guard(pages);
    if (next.count == 0) return {};
    const std::uintptr_t end = next.first + next.count;
    frontier_ = {end, frontier_.count - (end - frontier_.first)};
    return next;
  }
  // So many pages of the frontier, behind a guard. Without one where the process has no mapping
  // left, so that they continue the mapping before them.
  Pages commit_behind_guard(std::size_t pages) {
    const Pages next{frontier_.first + guard(), pages};
    if (commit_pages(next)) return next;
    if constexpr (kGuard != 0) {
      const Pages unguarded{frontier_.first, pages};
      if (guard() != 0 && commit_pages(unguarded)) return unguarded;
    }
    return {};
  }
  // The rest of the piece at the frontier, of which another one takes the place.
  Pages commit_rest() {
    if (frontier_.count <= guard()) return {};
    const Pages next = commit_behind_guard(frontier_.count - guard());
    if (next.count != 0) return next;
    std::size_t rest = frontier_.count;
    if constexpr (kGuard != 0) rest += end_guard_.get();
    return give_up_and_release({frontier_.first, rest});
  }
  // All of a piece but its guards, or with them where there is no mapping for these.
  Pages commit_piece(Pages piece) {
    if constexpr (kGuard != 0) {
      const Pages inner{piece.first + kGuard, piece.count - 2 * kGuard};
      if (guard() != 0 && commit_pages(inner)) return inner;
    }
    return commit_pages(piece) ? piece : give_up_and_release(piece);
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
    const std::size_t least = PageMap::in_sectors(pages);
    std::size_t wanted = piece_pages_.get() > least ? piece_pages_.get() : least;
    for (;; wanted = wanted / 2 > least ? PageMap::in_sectors(wanted / 2) : least) {
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
    const bool is_aligned = (pages << Limits::kPageShift) % Config::kArenaAlign == 0;
    return reserve(pages, is_aligned ? Config::kArenaAlign
                                     : Limits::kSectorPages << Limits::kPageShift);
  }
  // The same, at a multiple of so many bytes.
  Pages reserve(std::size_t pages, std::size_t align) {
    if (pages > map_.window_pages()) return {};
    const std::size_t bytes = pages << Limits::kPageShift;
    // Below the last piece, where the kernel would put it too: pieces grow together.
    void* hint = newest_.get() != 0 ? address(newest_.get() - pages) : nullptr;
    if constexpr (Defences::kRandomBases) {
      // What another thread gives up is uncovered before it is unmapped, so one may be refused.
      for (unsigned tries = 0; tries < kNearTries; ++tries) {
        const std::uintptr_t near = bases_.near(pages, align >> Limits::kPageShift);
        const Pages piece = near != 0 ? reserve_behind(near, pages) : Pages{};
        if (piece.count == 0) continue;
        bases_.took(near, pages);
        return piece;
      }
      hint = address(bases_.anew(pages, align >> Limits::kPageShift));
    }
    for (unsigned tries = 0; tries < kReserveTries; ++tries) {
      void* piece = Memory::reserve(bytes, align, hint);
      if (piece == nullptr) {
        log_warning("the OS does not reserve % bytes", bytes);
        return {};
      }
      const std::uintptr_t first = PageMap::page_of(piece);
      if (map_.cover(first, pages)) {
        newest_.set(first);
        if constexpr (Defences::kRandomBases) bases_.took(first, pages);
        reserved_.set(reserved_.get() + pages);
        log_debug("% is reserved", Extent{piece, bytes});
        return {first, pages};
      }
      log_internal("% clashes in the page map, or that has no memory", Extent{piece, bytes});
      // The window has a place of it already: look elsewhere, a golden share of 1 TiB away.
      Memory::release(piece, bytes);
      hint = address((first + std::uintptr_t{0x9e3780} * (tries + 1)) & kUserPages);
      if constexpr (Defences::kRandomBases) {
        hint = address(bases_.anew(pages, align >> Limits::kPageShift));
      }
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
  Cell<bool> spares_guards_{};
  Cell<std::size_t> end_guard_{};  // pages behind the frontier that are no part of it
  Pages frontier_{};               // reserved, not yet committed; without the guard at the end
  using MaybeBases =
      std::conditional_t<Defences::kRandomBases, Bases<Sync, Limits>, NoBases>;
  [[no_unique_address]] MaybeBases bases_{map_};
};

}  // namespace ralloc
