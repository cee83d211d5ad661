// Frees a block and says a wrong size. Usage: wrong_size FORM WAY SIZE SAID
#include "sized.h"

namespace {

const Form* form;
std::size_t said;

void* free_it(void* block) {
  form->put(block, said, 64);
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t size = size_argument(argc, argv, 3);
  said = size_argument(argc, argv, 4);
  form = &form_named(argv[1]);
  void* const block = suspect(form->get(size, 64));
  if (std::strcmp(argv[2], "here") == 0) free_it(block);
  if (std::strcmp(argv[2], "there") == 0) run_in_thread(free_it, block);
  still_alive();
}
