/* A mutex whose holder is lost to a fork is taken over, and what it guarded is retired
 * (shim/mutex.h, Shard::retire in global_pool/shard.h).
 *
 * Scenario: three threads give blocks to a shard of two spans, and adopt the second span. Any
 * of them that holds nothing may fork, and in the child any again, also in the middle of the
 * retire; all others are lost, and new threads take their place. After each fork the child
 * alone is followed: the parent goes on as if there had been none.
 * Invariants: one holder at a time; who holds the mutex never meets a half-written list or
 * span; lists have spans of this epoch alone; in the last child, who waits gets the mutex.
 * Not seen: memory orders; how the number is made (generation.pml); a fork from a signal
 * handler in the middle of the allocator, which shim/mutex.h forbids; the ledger's retire,
 * which is the same step with more fields. Bins of a list are one, and bits of a span are
 * "half written" or not.
 * Bugs of futex_mutex.inc: BUG_GENERATION_NOT_COMPARED, BUG_TAKEN_OVER_UNMARKED,
 * BUG_SECOND_FORK_MISSED. */
#define THREADS 3
#define FORKS 2
#define SPIN_TRIES 0
#define GENERATION level
#define SIGNALS 0
#define NOBODY 255
#include "forking.inc"
#include "futex_mutex.inc"

byte epoch = 0;             /* Shard::epoch_ */
byte home[2] = NOBODY;      /* the epoch in Span::home_ */
bool half_span[2], linked[2], half_lists;

inline retire() {           /* Shard::retire */
#ifndef BUG_EPOCH_NOT_BUMPED
  epoch++;
#endif
#ifndef BUG_LISTS_NOT_CLEARED
  atomic { linked[0] = false; half_lists = true };
  atomic { linked[1] = false; half_lists = false }
#endif
}

inline link_locked(s) {     /* Shard::give_locked and adopt: Span::put or cut; link */
  atomic { half_span[s] = true; half_lists = true };
  atomic { linked[s] = true; half_lists = false };
  half_span[s] = false
}

inline lock_shard() {       /* Guard guard(mutex_); if (guard.holder_died()) retire(); */
  lock();
#ifdef BUG_RETIRE_UNLOCKED
  if
  :: died -> unlock(); retire(); lock()
  :: else
  fi;
#endif
  if
#ifndef BUG_RETIRE_FORGOTTEN
  :: died -> retire()
#endif
  :: else
  fi;
  atomic {
    assert(!half_lists);
    assert(!linked[0] || home[0] == epoch);
    assert(!linked[1] || home[1] == epoch)
  }
}

active [THREADS] proctype thread() {
  byte me = _pid, seen, mine, tries, s;
  bool died;
  do
  :: {
       new_thread();
       if
       :: true
       :: goto quiet
       fi;
       lock_shard();
       if
       :: s = 0
       :: s = 1
       fi;
       if
       :: home[s] == NOBODY -> home[s] = epoch; link_locked(s)      /* adopt */
       :: home[s] == epoch -> assert(!half_span[s]); link_locked(s) /* give */
       :: home[s] != NOBODY && home[s] != epoch                     /* given up: ignored */
       fi;
       s = 0;
       unlock();
quiet: if
       :: atomic {
            level < FORKS -> fork();
            asleep[0] = false; asleep[1] = false; asleep[2] = false;
            inside[0] = false; inside[1] = false; inside[2] = false;
            waits[0] = false; waits[1] = false; waits[2] = false
          }
       :: true ->
end:      false
       fi
     } unless {
       atomic { lost[me] -> seen = 0; mine = 0; tries = 0; died = false; s = 0; lost[me] = false }
     }
  od
}

ltl in_the_last_child_who_waits_gets_it {
  [] ((level == FORKS && waits[0]) -> <> !waits[0])
}
