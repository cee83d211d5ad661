// The loops behind bench/paths and bench/model/contention: the paths of an allocator one by one,
// with as many blocks at a time as the caller says. Any allocator can be preloaded.
//
//   paths_loop blocks SIZE COUNT OWNERS in-order|shuffled PINNED ROUNDS whole|half
//       COUNT blocks are allocated by OWNERS other threads (0: by the thread that frees them), then
//       freed, ROUNDS times; `half`: one time more they are only allocated. PINNED: before that so
//       many blocks are allocated, and every 16th stays, so that no span becomes wholly free.
//       Prints the nanoseconds of a malloc and of a free, the medians of the rounds.
//   paths_loop turns SIZE BATCH in-order|shuffled ROUNDS
//       Two threads take turns, of BATCH mallocs until they hold many blocks, then of BATCH frees.
//       With one shard for both, each finds what it needs in the other's core. Prints the nanoseconds
//       for a block of a malloc, of the first write to it, and of a free.
//   paths_loop line|wake|pause ROUNDS
//       Nanoseconds until a line that another core wrote is seen and answered; of a futex's wake and
//       until the sleeper runs; of a look at a held mutex.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { kMostBlocks = 1 << 16, kMostRounds = 1 << 16, kPinEach = 16, kTurnBlocks = 1024 };
static void *blocks[kMostBlocks];
static void *pinned[kMostBlocks];
static uint32_t order[kMostBlocks];
static double malloc_ns[kMostRounds], free_ns[kMostRounds];

static double now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}
static double median(double *values, size_t n) {
  qsort(values, n, sizeof *values, by_value);
  return values[n / 2];
}

// --- Blocks ------------------------------------------------------------------------------------
static size_t size, count, turns;
static unsigned owners;
static pthread_barrier_t begin, end;
static atomic_bool is_done;

// Each owner's blocks lie between those of the others.
__attribute__((noinline)) static void allocate(size_t first, size_t step) {
  for (size_t i = first; i < count; i += step) *(char *)(blocks[i] = malloc(size)) = 1;
}
__attribute__((noinline)) static void free_all(void) {
  for (size_t i = 0; i < count; i++) free(blocks[order[i]]);
}

static void *owner(void *index) {
  for (;;) {
    pthread_barrier_wait(&begin);
    if (is_done) return NULL;
    allocate((size_t)(uintptr_t)index, owners);
    pthread_barrier_wait(&end);
  }
}

static void allocate_half(void) {
  if (owners == 0) return allocate(0, 1);
  pthread_barrier_wait(&begin);
  pthread_barrier_wait(&end);
}

static void make_order(int is_shuffled) {
  uint64_t random = 42;
  for (uint32_t i = 0; i < count; i++) order[i] = i;
  for (uint32_t i = (uint32_t)count - 1; is_shuffled && i > 0; i--) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    const uint32_t j = (uint32_t)(random >> 33) % (i + 1);
    const uint32_t other = order[i];
    order[i] = order[j];
    order[j] = other;
  }
}

static void pin(size_t n) {
  for (size_t i = 0; i < n; i++) pinned[i] = malloc(size);
  for (size_t i = 0; i < n; i++) {
    if (i % kPinEach != 0) free(pinned[i]);
  }
}

static void run_blocks(size_t rounds, int has_half) {
  pthread_t threads[256];
  pthread_barrier_init(&begin, NULL, owners + 1);
  pthread_barrier_init(&end, NULL, owners + 1);
  for (unsigned i = 0; i < owners; i++) {
    pthread_create(&threads[i], NULL, owner, (void *)(uintptr_t)i);
  }
  for (size_t i = 0; i < rounds; i++) {
    const double started = now_ns();
    allocate_half();
    const double allocated = now_ns();
    free_all();
    malloc_ns[i] = (allocated - started) / (double)count;
    free_ns[i] = (now_ns() - allocated) / (double)count;
  }
  if (has_half) allocate_half();
  is_done = 1;
  if (owners != 0) pthread_barrier_wait(&begin);
  for (unsigned i = 0; i < owners; i++) pthread_join(threads[i], NULL);
  printf("%.3f %.3f\n", median(malloc_ns, rounds), median(free_ns, rounds));
}

// --- Turns -------------------------------------------------------------------------------------
static size_t batch;
static _Alignas(128) atomic_uint turn_of;

static void *take_turns(void *index) {
  const unsigned self = (unsigned)(uintptr_t)index;
  void **const mine = blocks + self * (size_t)kTurnBlocks;
  static double write_ns[kMostRounds];
  size_t held = 0, mallocs = 0, frees = 0;
  int is_filling = 1;
  for (size_t i = 0; i < turns; i++) {
    while (turn_of != self) {
    }
    const double started = now_ns();
    double stopped;
    if (is_filling) {
      for (size_t j = 0; j < batch; j++) mine[held + j] = malloc(size);
      stopped = now_ns();
      for (size_t j = 0; j < batch; j++) *(char *)mine[held + j] = 1;
      if (self == 0) write_ns[mallocs] = (now_ns() - stopped) / (double)batch;
      held += batch;
    } else {
      held -= batch;
      for (size_t j = 0; j < batch; j++) free(mine[order[held + j]]);
      stopped = now_ns();
    }
    // The first times round make room for the others.
    if (self == 0 && i > turns / 4) {
      if (is_filling) malloc_ns[mallocs++] = (stopped - started) / (double)batch;
      else free_ns[frees++] = (stopped - started) / (double)batch;
    }
    if (held == 0 || held == count) is_filling = held == 0;
    turn_of = !self;
  }
  if (self == 0) {
    printf("%.3f %.3f %.3f\n", median(malloc_ns, mallocs), median(write_ns, mallocs),
           median(free_ns, frees));
  }
  return NULL;
}
static void run_turns(int is_shuffled) {
  pthread_t other;
  count = kTurnBlocks / batch * batch;
  make_order(is_shuffled);
  pthread_create(&other, NULL, take_turns, (void *)(uintptr_t)1);
  take_turns(NULL);
  pthread_join(other, NULL);
}

// --- The machine -------------------------------------------------------------------------------
static _Alignas(128) _Atomic uint32_t word;
static const uint32_t kSeen = UINT32_MAX;
static double woken_ns;

static void *answer_line(void *unused) {
  for (uint32_t turn = 0; turn < turns; turn++) {
    while (word != 2 * turn + 1) {
    }
    word = 2 * turn + 2;
  }
  return unused;
}
// Half of a round trip: the line is fetched, and changed.
static void run_line(void) {
  pthread_t other;
  pthread_create(&other, NULL, answer_line, NULL);
  for (uint32_t turn = 0; turn < turns; turn++) {
    const double started = now_ns();
    word = 2 * turn + 1;
    while (word != 2 * turn + 2) {
    }
    malloc_ns[turn] = (now_ns() - started) / 2;
  }
  printf("%.3f\n", median(malloc_ns, turns));
  pthread_join(other, NULL);
}

static void *sleep_once_a_turn(void *unused) {
  for (uint32_t turn = 0; turn < turns; turn++) {
    while (word == turn) syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, turn, NULL, NULL, 0);
    woken_ns = now_ns();
    word = kSeen;
    while (word == kSeen) {
    }
  }
  return unused;
}
static void run_wake(void) {
  pthread_t other;
  pthread_create(&other, NULL, sleep_once_a_turn, NULL);
  for (uint32_t turn = 0; turn < turns; turn++) {
    usleep(200);  // it sleeps by now
    const double started = now_ns();
    word = turn + 1;
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    malloc_ns[turn] = now_ns() - started;
    while (word != kSeen) {
    }
    free_ns[turn] = woken_ns - started;
    word = turn + 1;
  }
  pthread_join(other, NULL);
  printf("%.3f %.3f\n", median(malloc_ns, turns), median(free_ns, turns));
}

static void run_pause(void) {
  const double started = now_ns();
  for (size_t i = 0; i < turns && word == 0; i++) __builtin_ia32_pause();
  printf("%.3f\n", (now_ns() - started) / (double)turns);
}

// Which library answered: the loader only warns when it cannot preload one.
static int print_library(void) {
  Dl_info info;
  if (!dladdr((void *)(uintptr_t)&malloc, &info)) return 3;
  puts(info.dli_fname);
  return 0;
}
static int bad_use(void) { return fputs("paths_loop: see its source\n", stderr), 2; }

int main(int argc, char **argv) {
  if (argc == 3) {
    turns = strtoul(argv[2], NULL, 10);
    if (turns == 0 || turns > kMostRounds) return bad_use();
    if (strcmp(argv[1], "line") == 0) return run_line(), 0;
    if (strcmp(argv[1], "wake") == 0) return run_wake(), 0;
    if (strcmp(argv[1], "pause") == 0) return run_pause(), 0;
  }
  if (argc == 6 && strcmp(argv[1], "turns") == 0) {
    size = strtoul(argv[2], NULL, 10);
    batch = strtoul(argv[3], NULL, 10);
    turns = strtoul(argv[5], NULL, 10);
    if (batch == 0 || batch > kTurnBlocks || turns == 0 || turns > kMostRounds) return bad_use();
    return run_turns(strcmp(argv[4], "shuffled") == 0), print_library();
  }
  if (argc != 9 || strcmp(argv[1], "blocks") != 0) return bad_use();
  size = strtoul(argv[2], NULL, 10);
  count = strtoul(argv[3], NULL, 10);
  owners = (unsigned)strtoul(argv[4], NULL, 10);
  const size_t pins = strtoul(argv[6], NULL, 10), rounds = strtoul(argv[7], NULL, 10);
  if (count == 0 || count > kMostBlocks || pins > kMostBlocks || owners > 256 || rounds == 0 ||
      rounds > kMostRounds) {
    return bad_use();
  }
  make_order(strcmp(argv[5], "shuffled") == 0);
  pin(pins);
  run_blocks(rounds, strcmp(argv[8], "half") == 0);
  return print_library();
}
