// The platform of any POSIX system: mmap and libc, and nothing of one kernel's.
//
// Memory is purged and closed by fresh pages in the place of the old; a waiter yields and then
// sleeps in short naps; the fork generation comes from pthread_atfork; pages cannot be moved.
//
// Thread safety: as platform.h. A child that was forked before the constructors of this library
// ran, or past libc (vfork, clone), keeps its parent's generation.
#pragma once

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <sys/random.h>
#endif

#include <atomic>
#include <cstdint>

#include "shim/libc.h"
#include "shim/platform.h"
#include "shim/weak_random.h"

namespace ralloc::os {

// The calls on mappings, and that for random bytes: null or false is failure. A policy, so that
// a test can be a system that fails.
struct LibcCalls {
  static void* mmap(void* hint, std::size_t bytes, int protection, int flags) noexcept {
    void* p = ::mmap(hint, bytes, protection, flags, -1, 0);
    return p == MAP_FAILED ? nullptr : p;
  }
  // At most 256 bytes. May wait early in boot.
  static bool getentropy(void* buffer, std::size_t bytes) noexcept {
    return ::getentropy(buffer, bytes) == 0;
  }
};

template <class Calls>
struct PosixOn {
  static std::size_t page_size() noexcept {
    LibcCall call;
    return std::size_t(sysconf(_SC_PAGESIZE));
  }
  static unsigned cpu_count() noexcept {
    LibcCall call;
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? unsigned(n) : 1;
  }
  static std::size_t address_space_limit() noexcept {
    LibcCall call;
    rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return SIZE_MAX;
    return std::size_t(limit.rlim_cur);
  }
  static const char* const* environment() noexcept { return Libc::environment(); }
  static bool is_privileged() noexcept { return getuid() != geteuid() || getgid() != getegid(); }

  static std::uint64_t now_ms() noexcept {
    LibcCall call;
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return std::uint64_t(t.tv_sec) * 1000 + std::uint64_t(t.tv_nsec) / 1'000'000;
  }

  static bool fill_random(void* buffer, std::size_t bytes) noexcept {
    LibcCall call;
    char* to = static_cast<char*>(buffer);
    while (bytes != 0) {
      const std::size_t some = bytes < 256 ? bytes : 256;
      if (!Calls::getentropy(to, some)) {
        timespec t{};
        clock_gettime(CLOCK_REALTIME, &t);
        fill_weakly(to, bytes, nullptr,
                    std::uint64_t(t.tv_sec) * 1'000'000'000 + std::uint64_t(t.tv_nsec));
        return false;
      }
      to += some;
      bytes -= some;
    }
    return true;
  }

  static void* reserve(std::size_t bytes, std::size_t align, void* hint) noexcept {
    LibcCall call;
    return reserve_at_multiple(
        bytes, align, hint,
        [](void* at, std::size_t size) { return map(at, size, PROT_NONE); },
        [](void* at, std::size_t size) { munmap(at, size); });
  }
  static void* reserve_zeros(std::size_t bytes) noexcept {
    LibcCall call;
    return map(nullptr, bytes, PROT_READ);
  }
  static bool commit(void* begin, std::size_t bytes) noexcept {
    LibcCall call;
    return mprotect(begin, bytes, PROT_READ | PROT_WRITE) == 0;
  }

  static bool purge(void* begin, std::size_t bytes) noexcept {
    return replace(begin, bytes, PROT_READ | PROT_WRITE);
  }
  static bool close(void* begin, std::size_t bytes) noexcept {
    return replace(begin, bytes, PROT_NONE);
  }

  static void release(void* begin, std::size_t bytes) noexcept {
    LibcCall call;
    munmap(begin, bytes);
  }
  static bool reserve_at(void* begin, std::size_t bytes) noexcept {
    LibcCall call;
    void* p = map(begin, bytes, PROT_NONE);
    if (p != nullptr && p != begin) munmap(p, bytes);
    return p == begin;
  }
  static bool extend(void* begin, std::size_t bytes, std::size_t more) noexcept {
    void* const end = static_cast<char*>(begin) + bytes;
    if (!reserve_at(end, more)) return false;
    if (commit(end, more)) return true;
    release(end, more);
    return false;
  }
  static Moved move_pages(void*, std::size_t, void*, std::size_t) noexcept { return Moved::kNo; }

  // libc's memory of it: there is nobody else to ask.
  static std::uintptr_t program_break() noexcept { return Libc::program_break(); }
  static bool move_break_to(std::uintptr_t from, std::uintptr_t to) noexcept {
    return Libc::move_break_to(from, to);
  }

  static bool at_thread_exit(void (*hook)(void*), void* value) noexcept {
    return Libc::at_thread_exit(hook, value);
  }
  static void yield() noexcept {
    LibcCall call;
    sched_yield();
  }
  // Nobody is told of who waits here: so nobody can fail to wake it, and a fork leaves nothing.
  static void wait(const std::atomic<std::uint32_t>& word, std::uint32_t value) noexcept {
    LibcCall call;
    timespec nap{0, kFirstNapNs};
    // Relaxed: who waits looks at the word again, in an order of its own.
    for (unsigned tries = 0; word.load(std::memory_order_relaxed) == value; ++tries) {
      if (tries < kYields) {
        sched_yield();
      } else {
        nanosleep(&nap, nullptr);
        if (nap.tv_nsec < kLongestNapNs) nap.tv_nsec *= 2;
      }
    }
  }
  static void wake_one(const std::atomic<std::uint32_t>&) noexcept {}

  static void* map_wiped_on_fork(std::size_t) noexcept { return nullptr; }
  static bool at_fork_in_child(void (*hook)()) noexcept { return Libc::at_fork_in_child(hook); }

  static bool write(int descriptor, const char* text, std::size_t size) noexcept {
    LibcCall call;
    while (size != 0) {
      const ssize_t n = ::write(descriptor, text, size);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      text += n;
      size -= std::size_t(n);
    }
    return true;
  }
  [[noreturn]] static void abort() noexcept { Libc::abort(); }

 private:
  static constexpr unsigned kRefillTries = 100;
  static constexpr unsigned kYields = 16;
  static constexpr long kFirstNapNs = 32'000;
  static constexpr long kLongestNapNs = 1'024'000;
// Some systems reserve no swap for what is not touched, unasked.
#if defined(MAP_NORESERVE)
  static constexpr int kNoReserve = MAP_NORESERVE;
#else
  static constexpr int kNoReserve = 0;
#endif

  // Fresh pages in the place of the old. Where they are refused the old ones may be gone already.
  // Then the place is taken back by a call that takes nobody else's; if it is somebody's by now,
  // nothing is right any more.
  static bool replace(void* begin, std::size_t bytes, int protection) noexcept {
    LibcCall call;
    if (map(begin, bytes, protection, MAP_FIXED) == begin) return true;
    // An error, if pages are missing, by the word of POSIX; it writes to no file here.
    if (msync(begin, bytes, MS_ASYNC) == 0) return false;
    for (unsigned tries = 0; tries < kRefillTries; ++tries) {
      void* p = map(begin, bytes, protection);
      if (p == begin) return true;
      if (p != nullptr) munmap(p, bytes);
      sched_yield();
    }
    constexpr char kLost[] = "ralloc: the system took addresses away that were to be emptied\n";
    write(STDERR_FILENO, kLost, sizeof kLost - 1);
    abort();
  }

  static void* map(void* hint, std::size_t bytes, int protection, int more_flags = 0) noexcept {
    return Calls::mmap(hint, bytes, protection, MAP_PRIVATE | MAP_ANON | kNoReserve | more_flags);
  }
};

using Posix = PosixOn<LibcCalls>;
static_assert(Platform<Posix>);

}  // namespace ralloc::os
