/* Threads race to make the key whose destructor is the exit hook (shim/libc.h).
 *
 * Scenario: three threads set the hook at once, none of them with a key yet, and end; meanwhile
 * the program makes a key of its own. The system gives any free number, and may have none left.
 * Invariants: at a thread's end our hook runs, as I7 needs, and no other gets its value; in the
 * end one number at most is ours, for the system has few.
 * Not seen: memory orders; the rounds of destructors (thread_exit.pml). */
#define THREADS 3
#define KEYS 4
mtype = { FREE, OURS, PROGRAMS };

mtype destructor[KEYS] = FREE;   /* what the system calls for the values of each key */
byte exit_key_plus_1 = 0;
byte ended = 0;

inline key_create(number, whose) {   /* pthread_key_create */
  if
  :: atomic { destructor[0] == FREE -> destructor[0] = whose; number = 0 }
  :: atomic { destructor[1] == FREE -> destructor[1] = whose; number = 1 }
  :: atomic { destructor[2] == FREE -> destructor[2] = whose; number = 2 }
  :: atomic { destructor[3] == FREE -> destructor[3] = whose; number = 3 }
  fi
}

#ifdef BUG_NUMBER_STORED_AS_IT_IS
#define stored(number) number
#else
#define stored(number) (number + 1)
#endif

inline at_thread_exit() {        /* goes to `refused` for false */
  plus_1 = exit_key_plus_1;
  if
  :: plus_1 == 0 ->
     if
     :: key_create(key, OURS)
     :: goto refused
     fi;
#ifdef BUG_LOADED_AND_STORED
     exit_key_plus_1 = stored(key); plus_1 = key + 1;
#else
     if                          /* exit_key.compare_exchange_strong(0, key + 1) */
     :: atomic { exit_key_plus_1 == 0 -> exit_key_plus_1 = stored(key); plus_1 = key + 1 }
     :: atomic { exit_key_plus_1 != 0 -> plus_1 = exit_key_plus_1 }
#ifndef BUG_LOSING_KEY_KEPT
        destructor[key] = FREE   /* pthread_key_delete */
#endif
#ifdef BUG_LOSING_KEY_USED
        ; plus_1 = key + 1
#endif
     fi;
#endif
     key = 0
  :: else
  fi;
  if                             /* pthread_setspecific */
  :: atomic { destructor[plus_1 - 1] != FREE -> is_set = true }
  :: destructor[plus_1 - 1] == FREE
  :: true                        /* no memory */
  fi
}

active [THREADS] proctype thread() {
  byte key, plus_1;
  bool is_set;
  at_thread_exit();
refused: atomic {                /* the thread ends */
    assert(!is_set || destructor[plus_1 - 1] == OURS);
    plus_1 = 0; ended++;
    assert(ended != THREADS || (destructor[0] == OURS) + (destructor[1] == OURS) +
           (destructor[2] == OURS) + (destructor[3] == OURS) <= 1)
  }
}

active proctype program() {
  byte key;
  key_create(key, PROGRAMS)
}
