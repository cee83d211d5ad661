/* Frees a block twice with another free in between, which hides it from the quick check, then
 * makes the thread give back all that it freed. Usage: delayed_double_free SIZE HOW */
#include <pthread.h>

#include "misuse.h"

static size_t size;
static void* block;
static pthread_barrier_t freed_here, freed_there;

static void free_twice(void) {
  void* other = malloc(size);
  void* volatile again = block = suspect(malloc(size));
  free(block);
  free(other);
  free(again);
  still_alive();
}

static void* free_twice_and_end(void* unused) {
  free_twice();
  return unused;
}

static void* free_once_and_end(void* unused) {
  free(block);
  return unused;
}

static void run(void* (*function)(void*)) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, function, NULL) != 0) exit(2);
  pthread_join(thread, NULL);
}

static void* free_once_then_wait(void* unused) {
  free(block);
  pthread_barrier_wait(&freed_here);
  pthread_barrier_wait(&freed_there);
  return unused;
}

/* Both threads keep the block, each in its own pool, and give it back one after the other. */
static void free_in_two_threads(void) {
  pthread_t thread;
  pthread_barrier_init(&freed_here, NULL, 2);
  pthread_barrier_init(&freed_there, NULL, 2);
  block = suspect(malloc(size));
  if (pthread_create(&thread, NULL, free_once_then_wait, NULL) != 0) exit(2);
  pthread_barrier_wait(&freed_here);
  run(free_once_and_end);
  pthread_barrier_wait(&freed_there);
  still_alive();
  pthread_join(thread, NULL);
}

static void* free_twice_what_is_not_ours(void* unused) {
  void* volatile again = block;
  void* other = malloc(size);
  free(block);
  free(other);
  free(again);
  return unused;
}

int main(int argc, char** argv) {
  size = size_argument(argc, argv, 1);
  if (argc != 3) return 2;
  const char* how = argv[2];
  if (strcmp(how, "then_many_frees") == 0) {
    hold_many(size);
    free_twice();
    free_many();
  }
  if (strcmp(how, "then_thread_end") == 0) run(free_twice_and_end);
  if (strcmp(how, "then_trim") == 0) {
    free_twice();
    malloc_trim(0);
  }
  if (strcmp(how, "in_two_threads") == 0) free_in_two_threads();
  if (strcmp(how, "in_another_thread") == 0) {
    block = suspect(malloc(size));
    run(free_twice_what_is_not_ours);
  }
  return 0;
}
