// Frees a block and says an alignment at which it does not lie.
// Usage: wrong_alignment FORM SIZE ALIGNMENT SAID
#include "sized.h"

int main(int argc, char** argv) {
  const std::size_t size = size_argument(argc, argv, 2);
  const std::size_t align = size_argument(argc, argv, 3), said = size_argument(argc, argv, 4);
  const Form& form = form_named(argv[1]);
  const auto lies_there = [said](void* block) {
    return said != 0 && reinterpret_cast<std::uintptr_t>(block) % said == 0;
  };
  // Some do by chance.
  void* block = form.get(size, align);
  for (int i = 0; i < 100 && lies_there(block); ++i) block = form.get(size, align);
  form.put(suspect(block), size, said);
  still_alive();
}
