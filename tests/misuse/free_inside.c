/* Frees a pointer into a block, then makes the thread give back all that it freed.
 * Usage: free_inside SIZE OFFSET */
#include "misuse.h"

int main(int argc, char** argv) {
  const size_t size = size_argument(argc, argv, 1);
  const size_t offset = size_argument(argc, argv, 2);
  hold_many(size);
  char* block = malloc(size);
  free(suspect(block + offset));
  still_alive();
  free_many();
  return 0;
}
