// Frees blocks and says of which size and alignment they are. Usage: right_size FORM ALIGNMENT
#include "sized.h"

int main(int argc, char** argv) {
  const std::size_t align = size_argument(argc, argv, 2);
  const Form& form = form_named(argv[1]);
  for (std::size_t size = 1; size <= 300'000; size += size / 2 + 1) {
    void* blocks[20];
    for (void*& block : blocks) {
      std::memset(hidden(block = form.get(size, align)), 1, size);
    }
    for (void* block : blocks) form.put(block, size, align);
  }
}
