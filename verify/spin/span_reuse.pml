/* A span goes back whole and is taken for another class by another shard, while a third thread
 * frees blocks of both through its outgoing array (global_pool.h, shard.h, page_map.h).
 *
 * Scenario: two pages; class 0 has spans of one page, class 1 of two, both of two blocks. Two
 * threads, one of each shard, take and give blocks; a third frees any block, an outgoing array
 * of one. They go on without end.
 * Invariants: I1, I3 (who frees a live block reads its key, span and home right), I4, I9.
 * Not seen: memory orders; magazines (thread_exit.pml); purge (purge.pml); metadata; misuse.
 * What a shard's mutex or the ledger's guards is one step; reads and writes outside of them
 * are one step each. */
#define PAGES 2
#define RECORDS 3
#define NOBODY 255
#include "ledger.inc"
#define page_of(a) (a / 2)
#define key_of(shard, class) (2 * shard + class + 1)

byte tag[PAGES];                 /* the page map's key of each page; 0 is no key */
byte home[RECORDS] = NOBODY, class[RECORDS], bits[RECORDS];   /* of spans; bits set: free */
bool listed[RECORDS];            /* in a list of its shard */
byte key[4];                     /* of the block at this address, while it lives; else 0 */
bool held[4];                    /* by the program */

inline take_block() {            /* Span::take and link, of one block */
  assert(bits[r] != 0);
  a = 2 * first[r] + (bits[r] & 1 -> 0 : 1 + class[r]);
  bits[r] = (bits[r] & 1 -> bits[r] & 2 : 0);
  listed[r] = (bits[r] != 0);
  /* I1: no two blocks overlap. */
  assert(key[a] == 0 && (class[r] == 0 || key[a + 1] == 0));
  assert(key[a & 2] == 0 || (key[a & 2] & 1));
  key[a] = key_of(me, c); held[a] = true; a = 0
}

inline set_keys(k) {             /* PageMap::set_key and clear_key, by who alone holds the run */
  tag[first[r]] = k;
  if
  :: pages[r] == 2 -> tag[first[r] + 1] = k
  :: else
  fi
}

inline take() {                  /* GlobalPool::take of one block of class c by shard me */
  atomic {                       /* Shard::take */
    r = 0;
    do
    :: r < RECORDS && !(listed[r] && home[r] == me && class[r] == c) -> r++
    :: r < RECORDS && listed[r] && home[r] == me && class[r] == c -> take_block(); goto taken
    :: r == RECORDS -> r = NONE; break
    od
  };
  atomic {                       /* Ledger::take */
    find(r, c + 1);
    if
    :: r == NONE -> goto taken   /* no memory */
    :: else -> carve(r, c + 1); state[r] = BLOCKS; set_span(r, pages[r], r)
    fi
  };
  atomic { class[r] = c; bits[r] = 3 };   /* Span::cut */
#ifndef BUG_KEYS_SET_AFTER_ADOPT
  set_keys(key_of(me, c));
#endif
#ifdef BUG_FRESH_SPAN_LINKED_FIRST
  atomic { home[r] = me; listed[r] = true };
  atomic { home[r] == me; take_block() };
#else
  atomic { home[r] = me; take_block() };   /* Shard::adopt */
#endif
#ifdef BUG_KEYS_SET_AFTER_ADOPT
  set_keys(key_of(me, c));
#endif
taken: atomic { r = 0; c = 0 }
}

inline ledger_give() {           /* Ledger::give */
#ifdef BUG_SPAN_CLEARED_AFTER_GIVE
  atomic { insert_merged(r, DIRTY) };
  entry[page_of(a)] = NONE
#else
  atomic { set_span(r, pages[r], NONE); insert_merged(r, DIRTY) }
#endif
}

inline give() {                  /* GlobalPool::give of the block a */
  r = entry[page_of(a)];         /* span_at; then its home, both with no lock */
  assert(r != NONE && home[r] == (key[a] - 1) / 2);
  atomic {                       /* Shard::give_locked; Span::put; move_bin */
    assert(r == entry[page_of(a)] && home[r] == (key[a] - 1) / 2);
    c = (a == 2 * first[r] -> 1 : 2);
    assert(!(bits[r] & c));
    bits[r] = bits[r] | c; c = 0; key[a] = 0;
    listed[r] = (bits[r] != 3);
    if
    :: bits[r] == 3 ->
#ifdef BUG_EMPTIED_SPAN_STAYS_LISTED
       listed[r] = true;
#else
       home[r] = NOBODY;
#endif
       emptied = true
    :: else
    fi
  };
  if
  :: emptied ->                  /* give_run: first the keys, then the ledger */
#ifdef BUG_KEYS_CLEARED_AFTER_GIVE
     atomic { lo = first[r]; hi = lo + pages[r] - 1 };
     ledger_give();
     tag[lo] = 0; tag[hi] = 0;
     atomic { lo = 0; hi = 0 }
#else
     set_keys(0);
     ledger_give()
#endif
  :: else
  fi;
  atomic { emptied = false; r = 0; a = 0 }
}

inline claim() {                 /* the program frees any block that it holds */
  if
  :: atomic { held[0] -> held[0] = false; a = 0 }
  :: atomic { held[1] -> held[1] = false; a = 1 }
  :: atomic { held[2] -> held[2] = false; a = 2 }
  :: atomic { held[3] -> held[3] = false; a = 3 }
  fi;
  assert(tag[page_of(a)] == key[a])     /* PageMap::key_of, of a live block: I3 */
}

active [3] proctype thread() {
  byte me = _pid % 2, r, c, a, lo, hi;
  bool emptied;
end: do
  :: if
     :: c = 0
     :: c = 1
     fi;
     take()
  :: claim();
     if                          /* LocalPool::send: foreign, it waits in the outgoing array */
     :: (key[a] - 1) / 2 != me -> assert(tag[page_of(a)] == key[a])   /* send_all reads again */
     :: else
     fi;
     give()
  od
}

init { atomic { first[0] = 0; pages[0] = PAGES; put_in_bin(0, CLEAN) } }
