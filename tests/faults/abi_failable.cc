// The malloc ABI, linked into the program itself: the C library allocates from it, too.
#include <cerrno>
#include <new>

#include "abi/malloc_family.h"
#include "faults/failable.h"
#include "support/process.h"

namespace ralloc_test {
namespace {

// Calls `allocate`, which sets errno to ENOMEM if it fails.
template <class Allocate>
void* or_enomem(Allocate allocate) {
  errno = 0;
  void* block = allocate();
  REQUIRE(block != nullptr || errno == ENOMEM);
  return block;
}

void* try_allocate_aligned(std::size_t size, std::size_t align, unsigned turn) {
  switch (turn % 3) {
    case 0: return or_enomem([&] { return aligned_alloc(align, size); });
    case 1: return ::operator new(size, std::align_val_t{align}, std::nothrow);
    default: {
      // Returns its error, and leaves errno and the pointer alone.
      void* const untouched = &errno;
      void* block = untouched;
      errno = 0;
      const int error = posix_memalign(&block, align, size);
      REQUIRE(errno == 0 && (error == 0 || error == ENOMEM));
      REQUIRE((block == untouched) == (error == ENOMEM));
      return error == 0 ? block : nullptr;
    }
  }
}

}  // namespace

constinit const bool serves_the_process = true;

void* try_allocate(std::size_t size, std::size_t align, unsigned turn) {
  if (align > 16) return try_allocate_aligned(size, align, turn);
  switch (turn % 4) {
    case 0: return ::operator new(size, std::nothrow);
    case 1: return or_enomem([&] { return realloc(nullptr, size); });
    default: return or_enomem([&] { return malloc(size); });
  }
}
void* try_allocate_zeroed(std::size_t size) {
  return or_enomem([&] { return calloc(1, size); });
}
void* try_resize(void* block, std::size_t, std::size_t size) {
  return or_enomem([&] { return realloc(block, size); });
}
void give_back(void* block, std::size_t) {
  errno = EDOM;
  free(block);
  REQUIRE(errno == EDOM);
}
void trim_all() { malloc_trim(0); }

}  // namespace ralloc_test
