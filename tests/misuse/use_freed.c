/* Resizes, or measures, a block that is free. Usage: use_freed CALL WAY SIZE */
#include "misuse.h"

static void* free_it(void* block) {
  free(block);
  return NULL;
}

int main(int argc, char** argv) {
  const size_t size = size_argument(argc, argv, 3);
  void* block = suspect(malloc(size));
  if (strcmp(argv[2], "freed_here") == 0) free(block);
  if (strcmp(argv[2], "freed_there") == 0) run_in_thread(free_it, block);
  block = hidden(block);
  if (strcmp(argv[1], "realloc_up") == 0) hidden(realloc(block, 10 * size));
  if (strcmp(argv[1], "realloc_down") == 0) hidden(realloc(block, size / 2 + 1));
  if (strcmp(argv[1], "realloc_to_0") == 0) hidden(realloc(block, 0));
  if (strcmp(argv[1], "reallocarray") == 0) hidden(reallocarray(block, 3, size));
  if (strcmp(argv[1], "usable_size") == 0) hidden((void*)malloc_usable_size(block));
  still_alive();
  return 0;
}
