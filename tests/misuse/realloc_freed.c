/* Resizes a block that is free. Usage: realloc_freed SIZE */
#include "misuse.h"

int main(int argc, char** argv) {
  const size_t size = size_argument(argc, argv, 1);
  void* block = suspect(malloc(size));
  free(block);
  void* volatile again = block;
  void* resized = realloc(again, 10 * size);
  still_alive();
  return resized == NULL;
}
