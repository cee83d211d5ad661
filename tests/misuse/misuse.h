/* What the tiny programs share. Each commits one misuse, and says before it to standard
 * output what pointer the allocator's sentence has to name. Status 0: nobody noticed, or
 * nothing was there to notice; 1: what must hold did not; 2: wrong arguments; 77: the
 * allocator has no such call. */
#pragma once

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kWrong = 1, kUsage = 2, kNotThere = 77 };

/* Out of the compiler's sight, which would warn of what follows, or leave it out. */
static inline void* hidden(void* pointer) {
  void* volatile copy = pointer;
  return copy;
}

/* The pointer, printed and hidden. */
static inline void* suspect(void* pointer) {
  dprintf(STDOUT_FILENO, "0x%lx\n", (unsigned long)(uintptr_t)pointer);
  return hidden(pointer);
}

/* Changes the byte, whatever it was. */
static inline void change(void* byte) { *(volatile char*)byte = (char)~*(volatile char*)byte; }

/* For a misuse that need not be seen at once: should it be seen only now, the driver knows. */
static inline void still_alive(void) { dprintf(STDOUT_FILENO, "still alive\n"); }

static inline size_t size_argument(int argc, char** argv, int which) {
  if (argc <= which) exit(kUsage);
  return strtoul(argv[which], NULL, 0);
}

/* The driver prints what was found wrong in a program that misuses nothing. */
static inline void require(int holds, const char* what) {
  if (holds) return;
  dprintf(STDOUT_FILENO, "wrong: %s\n", what);
  _exit(kWrong);
}

/* Runs the function in a thread of its own, to its end. Starts and ends of threads allocate
 * blocks of other sizes than the programs use, which std::thread does not promise. */
static inline void run_in_thread(void* (*function)(void*), void* argument) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, function, argument) != 0) exit(kUsage);
  pthread_join(thread, NULL);
}
