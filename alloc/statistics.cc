// The statistics and tuning calls of glibc: mallinfo, mallopt, malloc_stats, malloc_info,
// malloc_trim.
//
// Thread safety: any thread; each takes the locks of the bookkeeper one after another, so
// the figures are of nearly the same moment.
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>

#include <cstddef>

#include "alloc/allocator.h"
#include "alloc/checked.h"
#include "alloc/watch.h"
#include "shim/os.h"

#define EXPORT extern "C" [[gnu::visibility("default")]]

namespace {

using namespace ralloc;

// All in bytes. backed = used + spare; dirty is part of spare.
struct Totals {
  std::size_t backed;    // arena memory that may have backing
  std::size_t used;      // in blocks: held by the program, or cached by other threads
  std::size_t spare;     // free in spans, in runs, and cached by this thread
  std::size_t dirty;     // of which malloc_trim can return at once
  std::size_t large;     // of used: in large blocks
  std::size_t reserved;  // address space
  std::size_t metadata;  // the allocator's own records, beside the arena
};

Totals totals() {
  const std::size_t cached_here = bytes_in_this_pool();
  const std::size_t large_here = large_bytes_in_this_pool();
  const Bookkeeper::Counts counts = bookkeeper.counts();
  // Runs may be on their way from a shard to the ledger: differences end at 0.
  const auto less = [](std::size_t a, std::size_t b) { return a > b ? a - b : 0; };
  Totals t{};
  t.backed = less(counts.ledger.committed_bytes, counts.ledger.clean_bytes);
  t.large = less(counts.large_bytes(), large_here);
  t.used = less(counts.shards.blocks_bytes, cached_here) + t.large;
  if constexpr (kDebugger) {
    // To the byte, and without what lies freed.
    if (checked_is_complete()) {
      t.used = checked_live_bytes();
      if (t.large > t.used) t.large = t.used;
    }
  }
  t.spare = less(t.backed, t.used);
  t.dirty = counts.ledger.dirty_bytes + counts.shards.large_bytes;
  t.reserved = counts.ledger.reserved_bytes;
  t.metadata = counts.ledger.metadata_bytes;
  return t;
}

int as_int(std::size_t value) { return value > INT_MAX ? INT_MAX : int(value); }

}  // namespace

// As in glibc, large blocks are counted in hblkhd alone.
EXPORT struct mallinfo2 mallinfo2() noexcept {
  log_call("mallinfo2()");
  const Totals t = totals();
  struct mallinfo2 info {};
  info.arena = t.backed - t.large;
  info.hblkhd = t.large;
  info.uordblks = t.used - t.large;
  info.fordblks = t.spare;
  info.keepcost = t.dirty;
  return info;
}

// The old form: what does not fit an int is INT_MAX.
EXPORT struct mallinfo mallinfo() noexcept {
  const struct mallinfo2 wide = mallinfo2();
  struct mallinfo info {};
  info.arena = as_int(wide.arena);
  info.hblkhd = as_int(wide.hblkhd);
  info.uordblks = as_int(wide.uordblks);
  info.fordblks = as_int(wide.fordblks);
  info.keepcost = as_int(wide.keepcost);
  return info;
}

EXPORT void malloc_stats() noexcept {
  log_call("malloc_stats()");
  const Totals t = totals();
  char text[256];
  const int n = snprintf(text, sizeof text,
                         "ralloc: in use %zu (large %zu), free %zu (dirty %zu), "
                         "records %zu, reserved %zu bytes\n",
                         t.used, t.large, t.spare, t.dirty, t.metadata, t.reserved);
  os::write_error(text, std::size_t(n));
}

EXPORT int malloc_info(int options, FILE* stream) noexcept {
  log_call("malloc_info(%)", options);
  if (options != 0) return EINVAL;
  const Totals t = totals();
  const int written = fprintf(stream,
                              "<malloc version=\"ralloc-1\">\n"
                              "<total type=\"used\" size=\"%zu\"/>\n"
                              "<total type=\"large\" size=\"%zu\"/>\n"
                              "<total type=\"free\" size=\"%zu\"/>\n"
                              "<total type=\"dirty\" size=\"%zu\"/>\n"
                              "<total type=\"records\" size=\"%zu\"/>\n"
                              "<system type=\"current\" size=\"%zu\"/>\n"
                              "<aspace type=\"total\" size=\"%zu\"/>\n"
                              "</malloc>\n",
                              t.used, t.large, t.spare, t.dirty, t.metadata, t.backed, t.reserved);
  return written < 0 ? -1 : 0;
}

// Knows glibc's parameters, none of which fits this allocator: they are accepted and have
// no effect.
EXPORT int mallopt(int parameter, int) noexcept {
  log_call("mallopt(%)", parameter);
  switch (parameter) {
    case M_MXFAST:
    case M_TRIM_THRESHOLD:
    case M_TOP_PAD:
    case M_MMAP_THRESHOLD:
    case M_MMAP_MAX:
    case M_CHECK_ACTION:
    case M_PERTURB:
    case M_ARENA_TEST:
    case M_ARENA_MAX:
      return 1;
    default:
      return 0;
  }
}

// Returns all free memory, whatever `pad`: 1 if there was some, else 0.
EXPORT int malloc_trim(std::size_t pad) noexcept {
  return note_asked("malloc_trim", pad, trim() != 0 ? 1 : 0);
}

EXPORT int __libc_mallopt(int, int) noexcept
    __attribute__((alias("mallopt"), visibility("default"), used));
EXPORT struct mallinfo __libc_mallinfo() noexcept
    __attribute__((alias("mallinfo"), visibility("default"), used));
