/* Pointers to memory that the allocator under test never gave out. */
#pragma once

#include <dlfcn.h>
#include <sys/mman.h>

#include "misuse.h"

static char static_bytes[64];

static inline char* foreign_mapping(void) {
  void* const pages =
      mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) exit(kUsage);
  return (char*)pages + 65536;
}

static inline char* unmapped(void) {
  char* const pointer = foreign_mapping();
  munmap(pointer - 65536, 1 << 20);
  return pointer;
}

/* The first address behind the mapping in which the block lies. */
static inline char* behind_the_heap(const void* block) {
  unsigned long begin, end;
  char line[512];
  FILE* maps = fopen("/proc/self/maps", "r");
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
    const uintptr_t at = (uintptr_t)block;
    if (sscanf(line, "%lx-%lx", &begin, &end) == 2 && begin <= at && at < end) {
      fclose(maps);
      return (char*)end;
    }
  }
  exit(kUsage);
}

/* A block of libc's own malloc: the one of a second libc, which nothing replaces. */
static inline char* block_of_libc(void) {
  void* const libc = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW);
  void* const function = libc != NULL ? dlsym(libc, "malloc") : NULL;
  void* (*its_malloc)(size_t) = NULL;
  memcpy(&its_malloc, &function, sizeof function);
  if (its_malloc == NULL) exit(kNotThere);
  return (char*)its_malloc(100);
}

/* `stack_bytes` are the caller's, `block` is one of the allocator's. */
static inline char* foreign(const char* kind, char* stack_bytes, const void* block) {
  if (strcmp(kind, "stack") == 0) return stack_bytes;
  if (strcmp(kind, "static") == 0) return static_bytes + 16;
  if (strcmp(kind, "mapping") == 0) return foreign_mapping();
  if (strcmp(kind, "unmapped") == 0) return unmapped();
  if (strcmp(kind, "behind") == 0) return behind_the_heap(block);
  if (strcmp(kind, "libc_data") == 0) return (char*)stdout;
  if (strcmp(kind, "libc_block") == 0) return block_of_libc();
  return (char*)strtoul(kind, NULL, 16);
}
