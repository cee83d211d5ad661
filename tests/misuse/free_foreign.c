/* Frees (or resizes, or measures) memory that malloc never gave out.
 * Usage: free_foreign CALL KIND */
#include <sys/mman.h>

#include "misuse.h"

static char static_bytes[64];

static void* foreign_mapping(void) {
  char* pages = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return pages != MAP_FAILED ? pages + 65536 : NULL;
}

/* The first address behind the mapping in which the block lies. */
static void* behind_the_heap(void) {
  unsigned long block = (unsigned long)(uintptr_t)malloc(100);
  unsigned long begin, end;
  char line[512];
  FILE* maps = fopen("/proc/self/maps", "r");
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
    if (sscanf(line, "%lx-%lx", &begin, &end) == 2 && begin <= block && block < end) {
      fclose(maps);
      return (void*)end;
    }
  }
  exit(2);
}

int main(int argc, char** argv) {
  char stack_bytes[64] = {0};
  if (argc != 3) return 2;
  const char* kind = argv[2];
  free(malloc(100)); /* the heap exists */
  char* pointer = strcmp(kind, "stack") == 0     ? stack_bytes + 16
                  : strcmp(kind, "static") == 0  ? static_bytes + 16
                  : strcmp(kind, "mapping") == 0 ? foreign_mapping()
                  : strcmp(kind, "behind") == 0  ? behind_the_heap()
                                                 : (char*)strtoul(kind, NULL, 16);
  pointer = suspect(pointer);
  if (strcmp(argv[1], "free") == 0) free(pointer);
  if (strcmp(argv[1], "realloc") == 0) pointer = realloc(pointer, 100);
  if (strcmp(argv[1], "usable_size") == 0) return (int)malloc_usable_size(pointer);
  still_alive();
  return 0;
}
