/* Threads come and go while others free their blocks, and destructors that run after a thread's
 * exit hook free and allocate (local_pool/local_pool.cc, shim/thread_exit.cc).
 *
 * Scenario: two shards with two blocks and one; three threads with memory for two pools. Each
 * allocates and frees what it or another holds, twice in all, and ends at any moment:
 * then its hook runs among its destructors, in any order.
 * Invariants: I1; I7 (at the end each block is held by the program or free in its span, no
 * pool is counted, the memory of all is back); a pool is used by its thread alone.
 * Not seen: memory orders; the growth of magazines and their overflow; the budget; a pool that
 * is made by a destructor in the system's last round of them, where the hook does not run.
 * Not exhausted yet: the search does not finish in a minute, so that no violation proves little.
 * A call of the bookkeeper for one shard is one step, as is one for the ledger. */
#define THREADS 3
#define OPERATIONS 2
#define NONE 255
#define shard_of(block) (block / 2)
mtype = { BEFORE_ATTACH, POOL, AFTER_EXIT };

byte free_blocks = 7;            /* of the spans: a bit for each block */
byte held = 0;                   /* by the program */
byte magazine[2], outgoing[2];   /* of pools, by the piece of metadata that each lies in */
byte owner[2] = NONE;            /* of the pieces */
byte pools[2];                   /* Ledger::pools_ */
byte exit_key = 0, keys = 0, deleted = 0, done = 0;

inline give(blocks) {            /* GlobalPool::give to one shard */
  atomic { assert(!(free_blocks & (blocks))); free_blocks = free_blocks | (blocks) }
}
inline touch() { assert(owner[piece] == me) }

inline close() {                 /* LocalPool::close */
#ifdef BUG_PIECE_GIVEN_FIRST
  owner[piece] = NONE;
#endif
  give(magazine[piece]);         /* flush, give_oldest: all are of the home shard */
  magazine[piece] = 0;
#ifndef BUG_OUTGOING_FORGOTTEN
  give(outgoing[piece]);         /* send_all */
#endif
  outgoing[piece] = 0;
#ifndef BUG_RACK_KEPT
  rack = AFTER_EXIT;
#endif
#ifndef BUG_POOL_STAYS_COUNTED
  pools[home]--;                 /* Ledger::detach_pool */
#endif
#ifndef BUG_PIECE_GIVEN_FIRST
  atomic { touch(); owner[piece] = NONE }    /* Ledger::give_metadata */
#endif
#ifndef BUG_RACK_KEPT
  ; atomic { piece = 0; home = 0 }
#endif
}

inline at_thread_exit() {        /* false, by `close`, if the system has no key or memory left */
  key = exit_key;
  if
  :: key == 0 ->
     atomic { keys++; key = keys };   /* pthread_key_create */
     if                          /* exit_key.compare_exchange_strong(0, key + 1) */
     :: atomic { exit_key == 0 -> exit_key = key }
#ifdef BUG_LOSING_KEY_USED
     :: atomic { exit_key != 0 -> deleted = deleted | (1 << key) }
#else
     :: atomic { exit_key != 0 -> deleted = deleted | (1 << key); key = exit_key }
#endif
     fi
  :: else
  fi;
  if                             /* pthread_setspecific */
  :: true
  :: atomic { piece == 1 -> key = 0 } close()    /* refused, where it adds a branch at least */
  fi
}

inline attach() {                /* LocalPool::attach */
  if
  :: rack == BEFORE_ATTACH ->
     if                          /* Ledger::take_metadata */
     :: atomic { owner[0] == NONE -> owner[0] = me; piece = 0 }
     :: atomic { owner[0] != NONE && owner[1] == NONE -> owner[1] = me; piece = 1 }
     :: owner[0] != NONE && owner[1] != NONE -> goto attached
     fi;
     atomic {                    /* Ledger::attach_pool */
       home = (pools[0] != 0 && pools[1] < pools[0] -> 1 : 0); pools[home]++
     };
     atomic { touch(); magazine[piece] = 0; outgoing[piece] = 0; rack = POOL };
     at_thread_exit()
  :: rack != BEFORE_ATTACH
  fi;
attached: skip
}

inline allocate() {              /* take_hit, take_miss, LocalPool::refill: a batch of two */
  attach();
  if
  :: atomic { rack == POOL -> touch(); taken = magazine[piece] }
     if
     :: taken == 0 ->
        atomic {                 /* Shard::take */
          taken = free_blocks & (home == 0 -> 3 : 4); free_blocks = free_blocks - taken
        }
     :: else
     fi;
     atomic {
       touch(); held = held | (taken == 3 -> 1 : taken);
       magazine[piece] = (taken == 3 -> 2 : 0)
     }
  :: atomic { rack != POOL -> taken = free_blocks & 3; taken = (taken == 3 -> 1 : taken);
       free_blocks = free_blocks - taken; held = held | taken }
  fi;
  taken = 0
}

inline deallocate() {            /* give_hit, give_miss */
  attach();
  if
  :: rack != POOL -> give(taken)
  :: rack == POOL && (taken == 4) == (home == 1) ->
     atomic { touch(); magazine[piece] = magazine[piece] | taken }
  :: rack == POOL && (taken == 4) != (home == 1) ->       /* LocalPool::send: room for one */
     if
     :: outgoing[piece] != 0 -> give(outgoing[piece])     /* send_all */
     :: else
     fi;
     atomic { touch(); outgoing[piece] = taken }
  fi;
  taken = 0
}

active [THREADS] proctype thread() {
  byte me = _pid, piece, home, key, taken, operations;
  mtype rack = BEFORE_ATTACH;
  bool ending;
  do
  :: operations < OPERATIONS -> atomic { operations++ } allocate()
  :: atomic {                    /* the program frees any block that it holds */
       operations < OPERATIONS && held != 0 -> operations++;
       if
       :: held & 1 -> taken = 1
       :: held & 2 -> taken = 2
       :: held & 4 -> taken = 4
       fi;
       held = held - taken
     }
     deallocate()
  :: !ending -> ending = true
  :: ending && key != 0 && !(deleted & (1 << key)) ->     /* on_thread_exit */
     key = 0;
     if
     :: rack == POOL -> close()
     :: else
     fi
  :: ending && (key == 0 || (deleted & (1 << key))) -> break
  od;
  atomic {
    done++;
    if
    :: done == THREADS ->
       assert(!(held & free_blocks) && (held | free_blocks) == 7);
       assert(pools[0] == 0 && pools[1] == 0 && owner[0] == NONE && owner[1] == NONE)
    :: else
    fi
  }
}
