/* An allocator that notices no misuse, and lets larger blocks overlap: the control of the tests,
 * which must fail under it. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { kGrain = 16, kOverlapping = 4096 };
static const size_t kBytes = (size_t)1 << 30;
static _Alignas(65536) char bytes[(size_t)1 << 30];
static size_t used;

void* aligned_alloc(size_t align, size_t size) {
  align = align < kGrain ? kGrain : align;
  /* The next block begins where half of this one is. */
  const size_t step = (size < kOverlapping ? size : size / 2) + kGrain + align;
  const size_t at = __atomic_fetch_add(&used, step, __ATOMIC_RELAXED);
  if (size > kBytes || at + align + size > kBytes) {
    errno = ENOMEM;
    return NULL;
  }
  return bytes + (at + align - 1) / align * align;
}

void* malloc(size_t size) { return aligned_alloc(kGrain, size); }
void free(void* ptr) { (void)ptr; }
void* calloc(size_t count, size_t size) {
  void* const block = malloc(count * size);
  return block != NULL ? memset(block, 0, count * size) : NULL;
}
void* realloc(void* ptr, size_t size) {
  void* const block = malloc(size);
  const uintptr_t at = (uintptr_t)ptr, begin = (uintptr_t)bytes;
  if (block != NULL && at - begin < kBytes - size) memmove(block, ptr, size);
  return block;
}
int posix_memalign(void** out, size_t align, size_t size) {
  *out = aligned_alloc(align, size);
  return *out != NULL ? 0 : ENOMEM;
}
size_t malloc_usable_size(void* ptr) { return ptr != NULL ? kGrain : 0; }
