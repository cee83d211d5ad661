/* Uses the memory of a block of no bytes. Usage: empty CALL ACCESS */
#include "misuse.h"

int main(int argc, char** argv) {
  if (argc != 3) return kUsage;
  void* block = strcmp(argv[1], "malloc") == 0          ? malloc(0)
                : strcmp(argv[1], "calloc") == 0        ? calloc(0, 8)
                : strcmp(argv[1], "aligned_alloc") == 0 ? aligned_alloc(64, 0)
                                                        : realloc(NULL, 0);
  volatile char* bytes = suspect(block);
  if (bytes == NULL) return 0;
  if (strcmp(argv[2], "read") == 0) (void)bytes[0];
  if (strcmp(argv[2], "write") == 0) bytes[0] = 1;
  still_alive();
  return 0;
}
