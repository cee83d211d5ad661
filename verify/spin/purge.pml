/* Runs are purged and sectors released while others take, lengthen, give and merge runs
 * (global_pool.h: purge, release_sectors; ledger.h: take_decayed, take_sectors, forget).
 *
 * Scenario: four pages, two sectors, reserved when runs are short. Two threads without end
 * take a run of one or two pages, stamp it, perhaps lengthen it, check the stamp and give it
 * back; purge a dirty run, which the kernel may refuse; release a clean sector (the
 * code: all of a run at once).
 * Invariants: I6 (what a thread holds keeps its stamp, and is mapped), clean runs read as
 * zeros, I8 (what the kernel gives is never refused as covered by a sector that is gone), I9.
 * Not seen: memory orders; ages: any dirty run may be due; the frontier and commit in steps;
 * blocks apart; addresses that share a place in the map. The ledger's mutex is one step. */
#define PAGES 4
#define SECTOR 2
#define RECORDS 6
#include "ledger.inc"

byte stamp[PAGES];               /* what a page reads as; 0 is zeros */
bool mapped[PAGES / SECTOR];     /* by the kernel */
bool covered[PAGES / SECTOR];    /* PageMap's owner of the sector's places */
hidden byte seen_, p_;
#define bits_of(r) (((1 << pages[r]) - 1) << first[r])

inline check_runs() {            /* I9: each covered page is in one run */
  p_ = 0; seen_ = 0;
  do
  :: p_ < RECORDS && state[p_] != UNUSED ->
     assert(!(seen_ & bits_of(p_))); seen_ = seen_ | bits_of(p_); p_++
  :: p_ < RECORDS && state[p_] == UNUSED -> p_++
  :: p_ == RECORDS -> break
  od;
  assert(seen_ == ((covered[0] -> 3 : 0) | (covered[1] -> 12 : 0)))
}

inline on_pages(value) {         /* stores to the run, or what the kernel does to it */
  p_ = first[r];
  do
  :: p_ < first[r] + pages[r] -> assert(mapped[p_ / SECTOR]); stamp[p_] = value; p_++
  :: else -> break
  od;
  p_ = 0
}
inline all_are(value) {          /* loads from the run */
  p_ = first[r];
  do
  :: p_ < first[r] + pages[r] -> assert(mapped[p_ / SECTOR] && stamp[p_] == value); p_++
  :: else -> break
  od;
  p_ = 0
}

inline grow() {                  /* Arena::reserve and commit, insert_fresh; in Ledger::take */
  if
  :: !mapped[0] -> b = 0
  :: !mapped[1] -> b = 1
  :: mapped[0] && mapped[1] -> goto next   /* no memory */
  fi;
  mapped[b] = true; stamp[2 * b] = 0; stamp[2 * b + 1] = 0;
  assert(!covered[b]);           /* PageMap::cover */
  covered[b] = true;
  new_record(r, 2 * b, SECTOR); b = 0;
  insert_merged(r, CLEAN)
}

inline take(n) {                 /* Ledger::take for a large block */
  atomic {
    find(r, n);
    if
    :: r == NONE -> grow()
    :: else
    fi;
    was_clean = (state[r] == CLEAN);
    carve(r, n);
    state[r] = LARGE; entry[first[r]] = r;
    check_runs()
  }
}

inline extend() {                /* Ledger::extend by a page */
  atomic {
    neighbour(first[r] + pages[r], DIRTY);
    if
    :: near_ == NONE -> neighbour(first[r] + pages[r], CLEAN)
    :: else
    fi;
    if
    :: near_ != NONE -> b = near_; near_ = NONE; carve(b, 1); drop(b); b = 0;
       pages[r] = pages[r] + 1; check_runs(); on_pages(me + 1)
    :: else
    fi
  }
}

inline give(s) {                 /* Ledger::give */
  atomic { set_span(r, 1, NONE); insert_merged(r, s); check_runs(); r = 0 }
}

inline purge() {                 /* GlobalPool::purge of one run */
  atomic {                       /* Ledger::take_decayed, leave: which is oldest is left open */
    if
    :: state[0] == DIRTY -> r = 0
    :: state[1] == DIRTY -> r = 1
    :: state[2] == DIRTY -> r = 2
    :: state[3] == DIRTY -> r = 3
    :: state[4] == DIRTY -> r = 4
    :: state[5] == DIRTY -> r = 5
    :: else -> goto next
    fi;
#ifdef BUG_PURGED_IN_THE_LEDGER
    b = first[r]
  };
  stamp[b] = 0;
  b = 0
#else
    set_ends(r, NONE); state[r] = LEAVING
  };
#ifdef BUG_GIVEN_BEFORE_PURGED
  atomic { b = first[r]; give(CLEAN) };
  stamp[b] = 0; b = 0
#else
  if                             /* Memory::purge */
  :: d_step { on_pages(0) }; give(CLEAN)
#ifdef BUG_REFUSED_GIVEN_AS_CLEAN
  :: give(CLEAN)
#else
  :: give(DIRTY)                 /* refused */
#endif
  fi
#endif
#endif
}

inline release() {               /* GlobalPool::release_sectors, of one sector */
  atomic {                       /* Ledger::take_sectors, find_clean_aligned */
    r = 0;
    do
    :: r < RECORDS && state[r] == CLEAN &&
         pages[r] >= SECTOR + first[r] % SECTOR -> break
    :: r < RECORDS && !(state[r] == CLEAN &&
         pages[r] >= SECTOR + first[r] % SECTOR) -> r++
    :: r == RECORDS -> goto next
    od;
#ifndef BUG_RELEASED_IN_THE_LEDGER
    cut_front(r, first[r] % SECTOR);
    carve(r, SECTOR);
    state[r] = LEAVING;
#endif
    b = first[r] / SECTOR; b = b + first[r] % SECTOR;
    check_runs()
  };
#ifdef BUG_RELEASED_BEFORE_FORGOTTEN
  mapped[b] = false;             /* Memory::release */
#endif
#ifndef BUG_RELEASED_IN_THE_LEDGER
  atomic {                       /* Ledger::forget, Arena::give_up */
#ifndef BUG_COVER_KEPT
    covered[b] = false;
#endif
    drop(r); check_runs(); r = 0
  };
#endif
#ifndef BUG_RELEASED_BEFORE_FORGOTTEN
  mapped[b] = false;             /* Memory::release */
#endif
  b = 0
}

active [2] proctype thread() {
  byte me = _pid, r, b, n;
  bool was_clean;
next:
end:
  atomic { r = 0; b = 0; n = 0; was_clean = false };
  if
  :: if
     :: n = 1
     :: n = 2
     fi;
     take(n);
     if
     :: was_clean -> d_step { all_are(0) }   /* allocate_zeroed relies on it */
     :: else
     fi;
     d_step { on_pages(me + 1) };
     if
     :: n == 1 -> extend()
     :: true
     fi;
     d_step { all_are(me + 1) };
     give(DIRTY)
  :: purge()
  :: release()
  fi;
  goto next
}
