// libmalloc_record.so: preloaded, it records what a program asks of malloc.
//
//   MALLOC_TRACE_FILE     absolute path; process 123 records to PATH.123. Without it nothing is
//   MALLOC_TRACE_EVENTS   how many events of each process, 2,000,000 by default
//
// The memory is glibc's. Operators new and delete call malloc and free, so they are recorded too.
//
// Thread safety: as malloc's.
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <bit>

#include "bench/trace/recording.h"

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);
}

namespace {

using namespace malloc_record;

void* recorded(Kind kind, void* block, size_t size, size_t align = 1) {
  if (block != nullptr) record(kind, block, size, align);
  return block;
}

void* allocate_aligned(size_t align, size_t size) {
  return recorded(kAllocateAligned, __libc_memalign(align, size), size, align);
}

size_t os_page() { return size_t(sysconf(_SC_PAGESIZE)); }

}  // namespace

extern "C" {

[[gnu::visibility("default")]] void* malloc(size_t size) noexcept {
  return recorded(kAllocate, __libc_malloc(size), size);
}

[[gnu::visibility("default")]] void* calloc(size_t count, size_t size) noexcept {
  // Given a block, the product has not overflowed.
  return recorded(kAllocateZeroed, __libc_calloc(count, size), count * size);
}

[[gnu::visibility("default")]] void free(void* block) noexcept {
  if (block == nullptr) return;
  record(kFree, block, 0);
  __libc_free(block);
}

[[gnu::visibility("default")]] void* realloc(void* old, size_t size) noexcept {
  if (old == nullptr) return malloc(size);
  if (size == 0) {  // glibc's frees the block
    record(kFree, old, 0);
    return __libc_realloc(old, 0);
  }
  record(kReallocateFrom, old, 0);
  void* const block = __libc_realloc(old, size);
  record(kReallocateTo, block, size);
  return block;
}

[[gnu::visibility("default")]] void* memalign(size_t align, size_t size) noexcept {
  return allocate_aligned(align, size);
}

[[gnu::visibility("default")]] void* aligned_alloc(size_t align, size_t size) noexcept {
  return allocate_aligned(align, size);
}

[[gnu::visibility("default")]] int posix_memalign(void** to, size_t align, size_t size) noexcept {
  if (!std::has_single_bit(align) || align % sizeof(void*) != 0) return EINVAL;
  void* const block = allocate_aligned(align, size);
  if (block == nullptr) return ENOMEM;
  *to = block;
  return 0;
}

[[gnu::visibility("default")]] void* valloc(size_t size) noexcept {
  return allocate_aligned(os_page(), size);
}

[[gnu::visibility("default")]] void* pvalloc(size_t size) noexcept {
  if (size > SIZE_MAX - os_page()) {
    errno = ENOMEM;
    return nullptr;
  }
  return allocate_aligned(os_page(), (size + os_page() - 1) / os_page() * os_page());
}

}  // extern "C"
