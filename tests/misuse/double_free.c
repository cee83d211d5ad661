/* Frees a block twice, with nothing in between. Usage: double_free SIZE */
#include "misuse.h"

int main(int argc, char** argv) {
  void* block = suspect(malloc(size_argument(argc, argv, 1)));
  free(block);
  free(block);
  still_alive();
  return 0;
}
