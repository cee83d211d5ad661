/* Threads of one process contend for the futex mutex (shim/mutex.h): who waits gets it.
 *
 * Scenario: three threads lock and unlock twice; a sleeper may be woken for nothing, once.
 * Invariants: one holder at a time, on which I1 to I9 rest; nobody sleeps for ever.
 * Not seen: memory orders (each step is seen by all at once; Relacy's part); fork (fork.pml);
 * starvation by others that lock again without end, which this mutex does not exclude.
 * Bugs of futex_mutex.inc: BUG_LOAD_AND_STORE, BUG_SLEEPS_UNANNOUNCED, BUG_WAITERS_FORGOTTEN,
 * BUG_WAKE_UP_DROPPED. */
#define THREADS 3
#define ROUNDS 2
#define SPIN_TRIES 1
#define SIGNALS 1
#define GENERATION 0
#include "futex_mutex.inc"

active [THREADS] proctype thread() {
  byte me = _pid, seen, mine, tries, round;
  bool died;
  do
  :: round < ROUNDS ->
     lock();
     assert(!died);
     unlock();
     round++
  :: round == ROUNDS -> break
  od
}

/* Under weak fairness, as all claims here: run.py says -f. */
ltl who_waits_gets_it { [] (waits[0] -> <> inside[0]) }
