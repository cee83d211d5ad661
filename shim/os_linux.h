// The platform interface of os.h on Linux, as static functions, so that a test can put
// failures in front of each. Only os.cc and the test's platform include it.
//
// Thread safety: as os.h.
#pragma once

#include <linux/futex.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "shim/os.h"

namespace ralloc::os {

struct Linux {
  static std::size_t page_size() noexcept { return std::size_t(sysconf(_SC_PAGESIZE)); }

  static unsigned cpu_count() noexcept {
    cpu_set_t set;
    CPU_ZERO(&set);
    // Machines beyond 1024 cores make this fail: then the largest set is assumed.
    if (sched_getaffinity(0, sizeof set, &set) != 0) return CPU_SETSIZE;
    const int n = CPU_COUNT(&set);
    return n > 0 ? unsigned(n) : 1;
  }

  static std::size_t address_space_limit() noexcept {
    rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return SIZE_MAX;
    return std::size_t(limit.rlim_cur);
  }

  static const char* const* environment() noexcept { return environ; }
  static bool is_privileged() noexcept { return getauxval(AT_SECURE) != 0; }

  static std::uint64_t now_ms() noexcept {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return std::uint64_t(t.tv_sec) * 1000 + std::uint64_t(t.tv_nsec) / 1'000'000;
  }

  static void* map(void* hint, std::size_t bytes, int protection) noexcept {
    void* p = mmap(hint, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? nullptr : p;
  }

  static void* reserve(std::size_t bytes, std::size_t align, void* hint) noexcept {
    void* p = map(hint, bytes, PROT_NONE);
    if (p == nullptr || std::uintptr_t(p) % align == 0) return p;
    // Not aligned: map enough to hold an aligned part, and give the ends back.
    munmap(p, bytes);
    p = map(nullptr, bytes + align, PROT_NONE);
    if (p == nullptr) return nullptr;
    const std::uintptr_t begin = std::uintptr_t(p);
    const std::uintptr_t aligned = (begin + align - 1) / align * align;
    if (aligned != begin) munmap(p, aligned - begin);
    if (aligned != begin + align) {
      munmap(reinterpret_cast<void*>(aligned + bytes), begin + align - aligned);
    }
    return reinterpret_cast<void*>(aligned);
  }

  static void* reserve_zeros(std::size_t bytes) noexcept { return map(nullptr, bytes, PROT_READ); }

  static bool commit(void* begin, std::size_t bytes) noexcept {
    return mprotect(begin, bytes, PROT_READ | PROT_WRITE) == 0;
  }

  static bool purge(void* begin, std::size_t bytes) noexcept {
    return madvise(begin, bytes, MADV_DONTNEED) == 0;
  }

  static void release(void* begin, std::size_t bytes) noexcept { munmap(begin, bytes); }

  // In two steps, for the kernel's failures are not clean: with MREMAP_FIXED it unmaps the
  // target before it has looked at all that can fail, and since Linux 6.17 it moves several
  // mappings one after another and may stop between them. The first step has no such flag: it
  // fails, with nothing changed, unless `from` is one mapping, and makes one of it. DONTUNMAP
  // (Linux 5.7) keeps the addresses of `from` ours throughout.
  static Moved move_pages(void* from, std::size_t bytes, void* to, std::size_t to_bytes) noexcept {
    void* one = mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, nullptr);
    if (one == MAP_FAILED) return Moved::kNo;
    if (mremap(one, bytes, to_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) != MAP_FAILED) {
      return Moved::kYes;
    }
    std::memcpy(from, one, bytes);
    munmap(one, bytes);
    return Moved::kLost;
  }

  static void write_error(const char* text, std::size_t size) noexcept {
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, size);
  }

  static void wait(const std::atomic<std::uint32_t>& word, std::uint32_t value) noexcept {
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
  }

  static void wake_one(const std::atomic<std::uint32_t>& word) noexcept {
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }

  // A page of one word that is zero in a forked child; null where the kernel cannot.
  static void* map_wiped_on_fork(std::size_t bytes) noexcept {
    void* p = map(nullptr, bytes, PROT_READ | PROT_WRITE);
    if (p != nullptr && madvise(p, bytes, MADV_WIPEONFORK) != 0) {
      munmap(p, bytes);
      p = nullptr;
    }
    return p;
  }
};

}  // namespace ralloc::os
