/* Threads come and go while others free their blocks, and destructors that run after a thread's
 * exit hook free and allocate (local_pool/this_pool.cc, local_pool/local_pool.h).
 *
 * Scenario: two shards with two blocks and one; three threads with memory for two pools. Each
 * allocates, and frees what it or another holds; its hook runs at any moment among that, and
 * after it the thread ends at any moment and another begins. They go on without end.
 * Invariants: I1; I7 (whenever no thread is left each block is held by the program or free in
 * its span, no pool is counted, the memory of all is back); a pool is used by its thread alone.
 * Not seen: memory orders; the growth of magazines and their overflow; the budget; how the hook
 * is set (exit_key.pml); a pool that is made by a destructor in the system's last round of them,
 * where the hook does not run. A call of the bookkeeper for one shard is one step, together
 * with what its thread does to its pool before and after it; so is a call of the ledger. */
#define THREADS 3
#define NONE 255
#define ALL 7                    /* blocks: a bit for each; the third is of the second shard */
#define is_foreign(block) ((block == 4) != (home == 1))
mtype = { BEFORE_ATTACH, POOL, AFTER_EXIT };

byte free_blocks = ALL;          /* of the spans */
byte held = 0;                   /* by the program */
byte magazine[2], outgoing[2];   /* of pools, by the piece of metadata that each lies in */
byte owner[2] = NONE;            /* of the pieces */
byte pools[2];                   /* Ledger::pools_ */
byte living = 0;                 /* threads */

/* Each of these runs in an atomic. */
inline give(blocks) {            /* GlobalPool::give to one shard */
  assert(!(free_blocks & (blocks))); free_blocks = free_blocks | (blocks)
}
inline touch() { assert(owner[piece] == me) }
inline hand_out(blocks) {        /* the lowest of them to the program, the rest stay in `taken` */
  held = held | ((blocks) & 1 -> 1 : (blocks));
  taken = ((blocks) == 3 -> 2 : 0)
}

inline close() {                 /* close_this_pool; LocalPool::close */
#ifdef BUG_PIECE_GIVEN_FIRST
  owner[piece] = NONE;
#endif
  atomic {                       /* flush, give_oldest: all are of the home shard */
#ifndef BUG_RACK_KEPT
    rack = AFTER_EXIT;
#endif
    give(magazine[piece]); magazine[piece] = 0
  };
#ifndef BUG_OUTGOING_FORGOTTEN
  atomic { give(outgoing[piece]); outgoing[piece] = 0 };   /* send_all */
#endif
#ifndef BUG_POOL_STAYS_COUNTED
  pools[home]--;                 /* Ledger::detach_pool */
#endif
  atomic {
#ifndef BUG_PIECE_GIVEN_FIRST
    touch(); owner[piece] = NONE;   /* Ledger::give_metadata */
#endif
#ifndef BUG_RACK_KEPT
    piece = 0; home = 0
#endif
  }
}

inline attach() {                /* attach_this_pool */
  if
  :: rack == BEFORE_ATTACH ->
     if                          /* LocalPool::open: Ledger::take_metadata */
     :: atomic { owner[0] == NONE -> owner[0] = me; piece = 0 }
     :: atomic { owner[0] != NONE && owner[1] == NONE -> owner[1] = me; piece = 1 }
     :: owner[0] != NONE && owner[1] != NONE -> goto attached
     fi;
     atomic {                    /* Ledger::attach_pool; the constructor; at_thread_exit */
       home = (pools[0] != 0 && pools[1] < pools[0] -> 1 : 0); pools[home]++;
       assert(pools[0] + pools[1] <= 2);
       touch(); magazine[piece] = 0; outgoing[piece] = 0; rack = POOL;
       if
       :: hook = true
       :: goto refused
       fi
     };
     goto attached;
refused: skip;
#ifndef BUG_POOL_WITHOUT_HOOK
     close()
#endif
  :: rack != BEFORE_ATTACH
  fi;
attached: skip
}

inline allocate() {              /* take_hit, take_miss, LocalPool::refill: a batch of two */
  attach();
  atomic {
    if
    :: rack == POOL ->
       touch(); taken = magazine[piece];
       if
       :: taken == 0 ->          /* Shard::take */
          taken = free_blocks & (home == 0 -> 3 : 4); free_blocks = free_blocks - taken
       :: else
       fi;
       hand_out(taken); magazine[piece] = taken
    :: rack != POOL ->
       taken = free_blocks & 3; taken = (taken == 3 -> 1 : taken);
       free_blocks = free_blocks - taken; hand_out(taken)
    fi;
    taken = 0
  }
}

inline deallocate() {            /* of the block in `taken`: give_hit, give_miss */
  attach();
  if
  :: atomic { rack != POOL -> give(taken) }
  :: atomic { rack == POOL && !is_foreign(taken) ->
       touch(); magazine[piece] = magazine[piece] | taken }
  :: rack == POOL && is_foreign(taken) ->   /* LocalPool::send: room for one */
     if
     :: atomic { outgoing[piece] != 0 -> give(outgoing[piece]); outgoing[piece] = 0 }
     :: outgoing[piece] == 0
     fi;
     atomic { touch(); outgoing[piece] = taken }
  fi;
  taken = 0
}

active [THREADS] proctype thread() {
  byte me = _pid, piece, home, taken;
  mtype rack = BEFORE_ATTACH;
  bool hook;                     /* to be run */
end: do
  :: living++;
     do
     :: allocate()
     :: atomic {                 /* the program frees any block that it holds */
          if
          :: held & 1 -> taken = 1
          :: held & 2 -> taken = 2
          :: held & 4 -> taken = 4
          fi;
          held = held - taken
        }
        deallocate()
     :: atomic { hook -> hook = false } close()     /* on_thread_exit */
     :: !hook -> break
     od;
     atomic {
       rack = BEFORE_ATTACH; living--;
       if
       :: living == 0 ->
          assert(!(held & free_blocks) && (held | free_blocks) == ALL);
          assert(pools[0] == 0 && pools[1] == 0 && owner[0] == NONE && owner[1] == NONE)
       :: else
       fi
     }
  od
}
