/* What the tiny programs share. Each commits one misuse, and says before it to standard
 * output what pointer the allocator's sentence has to name. */
#pragma once

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The pointer, printed, and hidden from the compiler, which would warn of what follows. */
static inline void* suspect(void* pointer) {
  void* volatile hidden = pointer;
  dprintf(STDOUT_FILENO, "0x%lx\n", (unsigned long)(uintptr_t)hidden);
  return hidden;
}

/* For a misuse that need not be seen at once: should it be seen only now, the driver knows. */
static inline void still_alive(void) { dprintf(STDOUT_FILENO, "still alive\n"); }

static inline size_t size_argument(int argc, char** argv, int which) {
  if (argc <= which) exit(2);
  return strtoul(argv[which], NULL, 0);
}

enum { kMany = 20000, kManyBytes = 1 << 28 };

/* Frees more blocks of the size than a thread may keep, so that all that it freed before goes
 * back to its span. They were allocated beforehand, by hold_many. */
static void* many[kMany];

static inline void hold_many(size_t size) {
  for (size_t i = 0; i < kMany && i * size < kManyBytes; ++i) many[i] = malloc(size);
}

static inline void free_many(void) {
  for (size_t i = 0; i < kMany; ++i) free(many[i]);
}
