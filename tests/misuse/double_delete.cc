// Frees a block twice, in each form that C++ and C have. Usage: double_delete FORM SIZE
#include "sized.h"

int main(int argc, char** argv) {
  const std::size_t size = size_argument(argc, argv, 2);
  const Form& form = form_named(argv[1]);
  void* const block = suspect(form.get(size, 64));
  form.put(block, size, 64);
  form.put(hidden(block), size, 64);
  still_alive();
}
