// Frees memory that the allocator never gave out. Usage: free_foreign WAY KIND
#include "calls.h"
#include "foreign.h"

namespace {

char* pointer;

void here() { put(suspect(pointer), 100); }
void there() { in_thread(here); }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return kUsage;
  char stack_bytes[64] = {};
  void* const block = get(100);  // the heap exists
  pointer = foreign(argv[2], stack_bytes + 16, block);
  put(block, 100);
  const int rc = run_way({{"here", here}, {"there", there}}, argc, argv);
  still_alive();
  return rc;
}
