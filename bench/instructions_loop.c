// The loops that bench/instructions counts: malloc and free through the PLT, in three
// patterns. Usage: instructions_loop PATTERN SIZE ROUNDS, 1000 pairs to a round.
//
// Built twice by bench/instructions: as it is, and with malloc and free renamed to those of
// instructions_null.c, which gives the cost of the loop alone.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { kPairs = 1000 };
static void *blocks[kPairs];
static uint32_t order[kPairs];

// Each loop is a function of its own so that the two builds differ in nothing but the
// names that they call.
__attribute__((noinline)) static void pair_at_once(unsigned long rounds, size_t size) {
  for (unsigned long i = 0; i < rounds * kPairs; i++) free(malloc(size));
}

__attribute__((noinline)) static void free_in_order(unsigned long rounds, size_t size) {
  for (unsigned long i = 0; i < rounds; i++) {
    for (int j = 0; j < kPairs; j++) blocks[j] = malloc(size);
    for (int j = 0; j < kPairs; j++) free(blocks[j]);
  }
}

__attribute__((noinline)) static void free_shuffled(unsigned long rounds, size_t size) {
  for (unsigned long i = 0; i < rounds; i++) {
    for (int j = 0; j < kPairs; j++) blocks[j] = malloc(size);
    for (int j = 0; j < kPairs; j++) free(blocks[order[j]]);
  }
}

// The same order in every run: the difference of two runs is then exact.
static void shuffle_order(void) {
  uint64_t random = 42;
  for (uint32_t i = 0; i < kPairs; i++) order[i] = i;
  for (uint32_t i = kPairs - 1; i > 0; i--) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    uint32_t j = (uint32_t)(random >> 33) % (i + 1);
    uint32_t other = order[i];
    order[i] = order[j];
    order[j] = other;
  }
}

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "usage: %s a|b|c SIZE ROUNDS\n", argv[0]), 2;
  size_t size = strtoul(argv[2], NULL, 10);
  unsigned long rounds = strtoul(argv[3], NULL, 10);
  shuffle_order();
  switch (argv[1][0]) {
    case 'a': pair_at_once(rounds, size); break;
    case 'b': free_in_order(rounds, size); break;
    case 'c': free_shuffled(rounds, size); break;
    default: return fprintf(stderr, "no pattern %s\n", argv[1]), 2;
  }
  // Which library answered: the loader only warns when it cannot preload one, and the
  // figures of glibc would then stand under another name.
  Dl_info info;
  if (!dladdr((void *)(uintptr_t)&malloc, &info)) return 3;
  puts(info.dli_fname);
  return 0;
}
