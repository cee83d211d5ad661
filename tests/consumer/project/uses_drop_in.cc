// Linked with the drop-in: malloc and operator new are ralloc's, in the file that the last
// argument names or, should that be "static", in this program itself; and libstdc++ uses the
// same malloc. Usage: uses_drop_in LIBRARY
#include <malloc.h>
#include <ralloc/ralloc.h>

#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "origin.h"

// Not declared in the C library's headers: proves that ralloc's malloc is the one in charge.
extern "C" std::size_t malloc_good_size(std::size_t size) noexcept;

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string library = argv[1];
  for (const std::string& origin : {origin_of_malloc(), origin_of_new()}) {
    const bool as_expected = library == "static" ? ends_with_program(origin, argv[0])
                                                 : origin.find(library) == 0;
    if (!as_expected) {
      std::fprintf(stderr, "from %s, not from %s\n", origin.c_str(), library.c_str());
      return 1;
    }
  }
  std::vector<std::unique_ptr<std::string>> strings;
  std::thread([&] {
    for (int i = 0; i < 1000; ++i) strings.push_back(std::make_unique<std::string>(500, 'x'));
  }).join();
  void* block = std::malloc(700);
  const bool measured = malloc_usable_size(block) == malloc_good_size(700);
  // strdup allocates inside of the C library, and this frees it here.
  char* copy = strdup(strings.back()->c_str());
  const bool copied = std::strlen(copy) == 500;
  std::free(copy);
  std::free(block);
  return measured && copied ? 0 : 1;
}
