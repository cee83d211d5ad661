/* Resizes, or measures, memory that malloc never gave out. Usage: use_foreign CALL KIND */
#include "foreign.h"

int main(int argc, char** argv) {
  char stack_bytes[64] = {0};
  if (argc != 3) return kUsage;
  void* const block = hidden(malloc(100)); /* the heap exists */
  void* const pointer = suspect(foreign(argv[2], stack_bytes + 16, block));
  if (strcmp(argv[1], "free") == 0) free(pointer);
  if (strcmp(argv[1], "realloc") == 0) hidden(realloc(pointer, 100));
  if (strcmp(argv[1], "realloc_to_0") == 0) hidden(realloc(pointer, 0));
  if (strcmp(argv[1], "reallocarray") == 0) hidden(reallocarray(pointer, 10, 10));
  if (strcmp(argv[1], "usable_size") == 0) hidden((void*)malloc_usable_size(pointer));
  still_alive();
  return 0;
}
