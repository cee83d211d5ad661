/* A child's threads give it its number while it may fork again (shim/generation.cc).
 *
 * Scenario: a process forks at any moment, its child again; in each, the forking
 * thread and two new ones ask for the generation, all of them the first to do so. The other
 * threads are lost with the fork, in the middle of whatever they did.
 * Invariants: all threads of a process get the same number, and none that an ancestor got: a
 * mutex held with such a number would look held by a living thread, for ever.
 * Not seen: memory orders; set_up_generation, which runs before there are threads; the
 * atfork handler that clears the word where the kernel does not wipe the page; 2^30 forks. */
#define FORKS 2
#include "forking.inc"

byte word = 1, newest = 1;   /* *generation_word, in the wiped page, and newest */
byte number[FORKS + 1];      /* what generation() returned in each, 0 before */

inline renew_generation() {  /* os::renew_generation */
#ifdef BUG_NEWEST_LOADED_AND_STORED
  mine = newest + 1;
  newest = mine;
#else
#ifndef BUG_NEWEST_LAST
  atomic { newest++; mine = newest };
#else
  mine = newest + 1;
#endif
#endif
#ifdef BUG_OWN_NUMBER_RETURNED
  word = mine; got = mine;
#else
  if                         /* word->compare_exchange_strong(0, mine) */
  :: atomic { word == 0 -> word = mine; got = mine }
  :: atomic { word != 0 -> got = word }
  fi;
#endif
#ifdef BUG_NEWEST_LAST
  newest = mine
#endif
}

inline generation() {        /* os::generation, in FutexMutex::held */
  got = word;
  if
  :: got == 0 -> renew_generation()
  :: else
  fi;
  d_step {                   /* a mutex may be held with it from here on */
    assert(number[level] == 0 || number[level] == got);
    assert(level < 1 || number[0] != got);
    assert(level < 2 || number[1] != got);
    number[level] = got; got = 0; mine = 0
  }
}

active [3] proctype thread() {
  byte me = _pid, got, mine;
  do
  :: {
       new_thread();
       if
       :: generation()
       :: true               /* asks for nothing */
       fi;
       if
       :: atomic {
            level < FORKS -> fork();
#ifndef BUG_PAGE_NOT_WIPED
            word = 0         /* by the kernel */
#endif
          }
       :: true ->
end:      false
       fi
     } unless {
       atomic { lost[me] -> got = 0; mine = 0; lost[me] = false }
     }
  od
}
