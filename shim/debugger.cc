#include "shim/debugger.h"

#include "shim/os.h"

#if defined(RALLOC_DEBUGGER) && __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define TELL_MEMCHECK(request, ...) VALGRIND_##request(__VA_ARGS__)
#define MEMCHECK_LOOKS_AWAY VALGRIND_DISABLE_ERROR_REPORTING
#define MEMCHECK_LOOKS_AGAIN VALGRIND_ENABLE_ERROR_REPORTING
#define MEMCHECK_RUNS (RUNNING_ON_VALGRIND != 0)
#else
#define TELL_MEMCHECK(request, ...) ((void)0)
#define MEMCHECK_LOOKS_AWAY ((void)0)
#define MEMCHECK_LOOKS_AGAIN ((void)0)
#define MEMCHECK_RUNS false
#endif

#if !defined(__has_feature)
#define __has_feature(feature) 0
#endif
#if defined(RALLOC_DEBUGGER) && \
    (defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer))
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#define TELL_ASAN(call, ...) call(__VA_ARGS__)
#else
#define TELL_ASAN(call, ...) ((void)0)
#endif

// Known to clang by this spelling alone.
#define NOT_CHECKED __attribute__((no_sanitize("address")))

namespace ralloc::debugger {
namespace {

char* at(void* begin, std::size_t offset) { return static_cast<char*>(begin) + offset; }

// The page map. Set once under the ledger's mutex, and read under it.
constinit std::uintptr_t map_begin = 0;
constinit std::size_t map_size = 0;

// Which bits of some bytes are defined, kept while memcheck forgets them.
class KeptBits {
 public:
  KeptBits(void* begin, std::size_t size) : begin_(begin), size_(size) {
    if (!MEMCHECK_RUNS || size == 0) return;
    const std::size_t page = os::page_size();
    bytes_ = (size + page - 1) / page * page;
    bits_ = os::reserve(bytes_, page, nullptr);
    if (bits_ == nullptr) return;
    is_kept_ = os::commit(bits_, bytes_);
    if (is_kept_) TELL_MEMCHECK(GET_VBITS, begin, bits_, size);
  }
  ~KeptBits() {
    if (bits_ == nullptr) return;
    if (is_kept_) TELL_MEMCHECK(SET_VBITS, begin_, bits_, size_);
    os::release(bits_, bytes_);
  }
  KeptBits(const KeptBits&) = delete;

 private:
  [[maybe_unused]] void* begin_;
  [[maybe_unused]] std::size_t size_;
  std::size_t bytes_ = 0;
  void* bits_ = nullptr;
  bool is_kept_ = false;
};

}  // namespace

bool is_memcheck() noexcept { return MEMCHECK_RUNS; }

bool may_map(std::size_t bytes) noexcept { return !MEMCHECK_RUNS || bytes < 200 * kMiB; }

void begin_block([[maybe_unused]] void* begin, [[maybe_unused]] std::size_t size,
                 [[maybe_unused]] bool is_zeroed) noexcept {
  TELL_MEMCHECK(MALLOCLIKE_BLOCK, begin, size, 0, is_zeroed);
  TELL_ASAN(__asan_unpoison_memory_region, begin, size);
}

void resize_block(void* begin, std::size_t old_size, std::size_t size) noexcept {
  TELL_MEMCHECK(RESIZEINPLACE_BLOCK, begin, old_size, size, 0);
  if (size < old_size) {
    TELL_ASAN(__asan_poison_memory_region, at(begin, size), old_size - size);
  } else {
    TELL_ASAN(__asan_unpoison_memory_region, at(begin, old_size), size - old_size);
  }
}

// AddressSanitizer hears of the bytes that are taken away alone: other threads may use what is
// behind them at any time. Memcheck must hear that all of it ended; there one thread runs at a time,
// and in these few steps it is not another's turn but by a rare chance.
void cut_block(void* begin, std::size_t size, std::size_t first, std::size_t last) noexcept {
  TELL_ASAN(__asan_poison_memory_region, at(begin, first), last - first);
  const KeptBits bits(at(begin, last), size - last);
  if (first == 0) {
    TELL_MEMCHECK(FREELIKE_BLOCK, begin, 0);
  } else {
    TELL_MEMCHECK(RESIZEINPLACE_BLOCK, begin, size, first, 0);
  }
  if (last != size) TELL_MEMCHECK(MALLOCLIKE_BLOCK, at(begin, last), size - last, 0, false);
}

void close([[maybe_unused]] void* begin, [[maybe_unused]] std::size_t size) noexcept {
  TELL_MEMCHECK(MAKE_MEM_NOACCESS, begin, size);
  TELL_ASAN(__asan_poison_memory_region, begin, size);
}

void open([[maybe_unused]] void* begin, [[maybe_unused]] std::size_t size) noexcept {
  TELL_MEMCHECK(MAKE_MEM_DEFINED, begin, size);
  TELL_ASAN(__asan_unpoison_memory_region, begin, size);
}

// Opening the bytes for a moment would open them for other threads too; so the access itself is
// made one that is not reported.
[[gnu::noinline]] NOT_CHECKED std::uint32_t read_hidden(const void* word) noexcept {
  MEMCHECK_LOOKS_AWAY;
  const std::uint32_t value = *static_cast<const std::uint32_t*>(word);
  MEMCHECK_LOOKS_AGAIN;
  return value;
}

[[gnu::noinline]] NOT_CHECKED void write_hidden(void* word, std::uint32_t value) noexcept {
  MEMCHECK_LOOKS_AWAY;
  *static_cast<std::uint32_t*>(word) = value;
  MEMCHECK_LOOKS_AGAIN;
}

// LeakSanitizer would take blocks of its own that only ours point to for lost. It wants each of
// its roots back as it was given, and the arena is released in whole sectors: so each is one.
void note_reserved([[maybe_unused]] void* begin, [[maybe_unused]] std::size_t size) noexcept {
  for (std::size_t offset = 0; offset < size; offset += Config::kSector) {
    TELL_ASAN(__lsan_register_root_region, at(begin, offset), Config::kSector);
  }
}

void note_released([[maybe_unused]] void* begin, [[maybe_unused]] std::size_t size) noexcept {
  for (std::size_t offset = 0; offset < size; offset += Config::kSector) {
    TELL_ASAN(__lsan_unregister_root_region, at(begin, offset), Config::kSector);
  }
  // Who has the addresses next knows nothing of us.
  TELL_ASAN(__asan_unpoison_memory_region, begin, size);
}

void note_map(void* begin, std::size_t size) noexcept {
  map_begin = reinterpret_cast<std::uintptr_t>(begin);
  map_size = size;
}

void note_committed(void* begin, std::size_t size) noexcept {
  if (reinterpret_cast<std::uintptr_t>(begin) - map_begin >= map_size) close(begin, size);
}

}  // namespace ralloc::debugger
