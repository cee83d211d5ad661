// The platform on Linux: system calls without libc, but for what the kernel does not know.
//
// Thread safety: as platform.h.
#pragma once

#include <linux/futex.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "shim/libc.h"
#include "shim/linux_syscall.h"
#include "shim/platform.h"
#include "shim/sanitizer.h"
#include "shim/weak_random.h"

namespace ralloc::os {

// The calls on mappings, and that for random bytes: null, false or 0 is failure. A policy, so
// that a test can be a kernel that fails.
struct KernelCalls {
  static void* mmap(void* hint, std::size_t bytes, int protection, int flags) noexcept {
    return place(linux_syscall(SYS_mmap, hint, bytes, protection, flags, -1, 0));
  }
  static bool munmap(void* begin, std::size_t bytes) noexcept {
    return linux_syscall(SYS_munmap, begin, bytes) == 0;
  }
  static bool mprotect(void* begin, std::size_t bytes, int protection) noexcept {
    return linux_syscall(SYS_mprotect, begin, bytes, protection) == 0;
  }
  static bool madvise(void* begin, std::size_t bytes, int advice) noexcept {
    return linux_syscall(SYS_madvise, begin, bytes, advice) == 0;
  }
  static void* mremap(void* from, std::size_t bytes, std::size_t to_bytes, int flags,
                      void* to) noexcept {
    return place(linux_syscall(SYS_mremap, from, bytes, to_bytes, flags, to));
  }
  // How many bytes there were, without waiting for more.
  static std::size_t getrandom(void* buffer, std::size_t bytes) noexcept {
    const long n = linux_syscall(SYS_getrandom, buffer, bytes, GRND_NONBLOCK);
    return is_error(n) ? 0 : std::size_t(n);
  }

 private:
  static void* place(long result) {
    return is_error(result) ? nullptr : reinterpret_cast<void*>(result);
  }
};

// The same by libc's functions, which a sanitizer takes the place of: it must know what is mapped,
// and keeps its own memory free.
struct InterceptedCalls {
  static void* mmap(void* hint, std::size_t bytes, int protection, int flags) noexcept {
    LibcCall call;
    return place(::mmap(hint, bytes, protection, flags, -1, 0));
  }
  static bool munmap(void* begin, std::size_t bytes) noexcept {
    LibcCall call;
    return ::munmap(begin, bytes) == 0;
  }
  static bool mprotect(void* begin, std::size_t bytes, int protection) noexcept {
    LibcCall call;
    return ::mprotect(begin, bytes, protection) == 0;
  }
  static bool madvise(void* begin, std::size_t bytes, int advice) noexcept {
    LibcCall call;
    return ::madvise(begin, bytes, advice) == 0;
  }
  static void* mremap(void* from, std::size_t bytes, std::size_t to_bytes, int flags,
                      void* to) noexcept {
    LibcCall call;
    return place(::mremap(from, bytes, to_bytes, flags, to));
  }
  static std::size_t getrandom(void* buffer, std::size_t bytes) noexcept {
    LibcCall call;
    const ssize_t n = ::getrandom(buffer, bytes, GRND_NONBLOCK);
    return n < 0 ? 0 : std::size_t(n);
  }

 private:
  static void* place(void* p) { return p == MAP_FAILED ? nullptr : p; }
};

// What libc is asked for all the same: the auxiliary vector, which the kernel hands out once;
// the clock, which the kernel maps into the process for libc to call; keys and fork hooks, which
// are libc's own; and the move of the break, since libc remembers where it left it and moves it
// from there (shim/program_break.h).
template <class Calls>
struct LinuxOn {
  static std::size_t page_size() noexcept { return std::size_t(getauxval(AT_PAGESZ)); }

  static unsigned cpu_count() noexcept {
    unsigned long set[CPU_SETSIZE / (8 * sizeof(unsigned long))] = {};
    // Machines beyond 1024 cores make this fail: then the largest set is assumed.
    if (is_error(linux_syscall(SYS_sched_getaffinity, 0, sizeof set, set))) return CPU_SETSIZE;
    unsigned n = 0;
    for (const unsigned long bits : set) n += unsigned(std::popcount(bits));
    return n > 0 ? n : 1;
  }

  static std::size_t address_space_limit() noexcept {
    std::uint64_t limit[2];  // now, and at most
    if (is_error(linux_syscall(SYS_prlimit64, 0, RLIMIT_AS, nullptr, limit))) return SIZE_MAX;
    return std::size_t(limit[0]);  // without a limit, all bits are set
  }

  static const char* const* environment() noexcept { return Libc::environment(); }
  static bool is_privileged() noexcept { return getauxval(AT_SECURE) != 0; }

  static std::uint64_t now_ms() noexcept {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);  // cannot fail, so errno stays
    return std::uint64_t(t.tv_sec) * 1000 + std::uint64_t(t.tv_nsec) / 1'000'000;
  }

  // The kernel has no bytes early in boot, before Linux 3.17, and for who may not ask.
  static bool fill_random(void* buffer, std::size_t bytes) noexcept {
    char* to = static_cast<char*>(buffer);
    while (bytes != 0) {
      const std::size_t n = Calls::getrandom(to, bytes);
      if (n == 0) {
        timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        fill_weakly(to, bytes, reinterpret_cast<const void*>(getauxval(AT_RANDOM)),
                    std::uint64_t(t.tv_sec) * 1'000'000'000 + std::uint64_t(t.tv_nsec));
        return false;
      }
      to += n;
      bytes -= n;
    }
    return true;
  }

  static void* reserve(std::size_t bytes, std::size_t align, void* hint) noexcept {
    return reserve_at_multiple(
        bytes, align, hint,
        [](void* at, std::size_t size) { return map(at, size, PROT_NONE); },
        [](void* at, std::size_t size) { release(at, size); });
  }
  static void* reserve_zeros(std::size_t bytes) noexcept { return map(nullptr, bytes, PROT_READ); }

  static bool commit(void* begin, std::size_t bytes) noexcept {
    return Calls::mprotect(begin, bytes, PROT_READ | PROT_WRITE);
  }
  // (Not MADV_DONTNEED_LOCKED: who has called mlockall is to have no page faults.)
  static bool purge(void* begin, std::size_t bytes) noexcept {
    if (!heeds_advice(begin)) return map(begin, bytes, PROT_READ | PROT_WRITE, MAP_FIXED) == begin;
    return Calls::madvise(begin, bytes, MADV_DONTNEED);
  }
  // By a fresh mapping: what was committed would stay accounted for, and a mapping of its own.
  // Where the kernel fails late the old pages are gone, and the hole is filled if it is one.
  static bool close(void* begin, std::size_t bytes) noexcept {
    return map(begin, bytes, PROT_NONE, MAP_FIXED) == begin || reserve_at(begin, bytes);
  }
  static void release(void* begin, std::size_t bytes) noexcept { Calls::munmap(begin, bytes); }

  // Kernels before 4.17 do not know the flag, and take the place for a hint.
  static bool reserve_at(void* begin, std::size_t bytes) noexcept {
    void* p = map(begin, bytes, PROT_NONE, MAP_FIXED_NOREPLACE);
    if (p != nullptr && p != begin) release(p, bytes);
    return p == begin;
  }

  // The mapping itself grows. One beside it would not become one with it where pages were moved
  // there, and move_pages can only move one.
  static bool extend(void* begin, std::size_t bytes, std::size_t more) noexcept {
    return Calls::mremap(begin, bytes, bytes + more, 0, nullptr) == begin;
  }

  // In two steps, for the kernel's failures are not clean: with MREMAP_FIXED it unmaps the
  // target before it has looked at all that can fail, and since Linux 6.17 it moves several
  // mappings one after another and may stop between them. The first step has no such flag: it
  // fails, with nothing changed, unless `from` is one mapping, and makes one of it. DONTUNMAP
  // (Linux 5.7) keeps the addresses of `from` ours throughout.
  static Moved move_pages(void* from, std::size_t bytes, void* to, std::size_t to_bytes) noexcept {
    void* one = Calls::mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, nullptr);
    if (one == nullptr) return Moved::kNo;
    if (Calls::mremap(one, bytes, to_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) != nullptr) {
      return Moved::kYes;
    }
    std::memcpy(from, one, bytes);
    release(one, bytes);
    return reserve_at(to, to_bytes) || is_reserved(to, to_bytes) ? Moved::kNo : Moved::kLost;
  }

  // The kernel is asked, for the break may have been moved past libc.
  static std::uintptr_t program_break() noexcept {
    return std::uintptr_t(linux_syscall(SYS_brk, nullptr));
  }
  static bool move_break_to(std::uintptr_t from, std::uintptr_t to) noexcept {
    if (const std::uintptr_t libc = Libc::program_break(); libc != from) {
      // The break does not move: libc is told where it is.
      (void)Libc::move_break_to(libc, from);
    }
    return Libc::move_break_to(from, to);
  }

  static bool at_thread_exit(void (*hook)(void*), void* value) noexcept {
    return Libc::at_thread_exit(hook, value);
  }
  static void yield() noexcept { linux_syscall(SYS_sched_yield); }
  static void wait(const std::atomic<std::uint32_t>& word, std::uint32_t value) noexcept {
    linux_syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr);
  }
  static void wake_one(const std::atomic<std::uint32_t>& word) noexcept {
    linux_syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1);
  }

  // Since Linux 4.14.
  static void* map_wiped_on_fork(std::size_t bytes) noexcept {
    void* p = map(nullptr, bytes, PROT_READ | PROT_WRITE);
    if (p != nullptr && !(heeds_advice(p) && Calls::madvise(p, bytes, MADV_WIPEONFORK))) {
      release(p, bytes);
      p = nullptr;
    }
    return p;
  }
  static bool at_fork_in_child(void (*hook)()) noexcept { return Libc::at_fork_in_child(hook); }

  static bool write(int descriptor, const char* text, std::size_t size) noexcept {
    while (size != 0) {
      const long n = linux_syscall(SYS_write, descriptor, text, size);
      if (n == -EINTR) continue;
      if (n <= 0) return false;
      text += n;
      size -= std::size_t(n);
    }
    return true;
  }
  [[noreturn]] static void abort() noexcept { Libc::abort(); }

 private:
  // After mremap has failed: all of it is mapped, and its begin cannot be read. So the kernel has not
  // unmapped it: what others map meanwhile leaves a hole or can be read, unless it is a reservation of just
  // these addresses, made in this moment. (Since Linux 6.17 it is unmapped after all that can fail.)
  static bool is_reserved(void* begin, std::size_t bytes) noexcept {
    const timespec no_time{};
    return Calls::madvise(begin, bytes, MADV_NORMAL) &&
           linux_syscall(SYS_futex, begin, FUTEX_WAIT_PRIVATE, 0, &no_time) == -EFAULT;
  }

  static constexpr int kNoAdvice = 0x7fff;

  // Emulators say yes to any advice: qemu-user up to 7.0 heeds none, 7.2 MADV_DONTNEED alone. Asked for a
  // page of ours, since others say yes for no bytes.
  static bool heeds_advice(void* page) noexcept {
    enum : unsigned char { kUnknown, kNo, kYes };
    static constinit std::atomic<unsigned char> known{kUnknown};
    unsigned char heeds = known.load(std::memory_order_relaxed);
    if (heeds == kUnknown) {
      heeds = Calls::madvise(page, page_size(), kNoAdvice) ? kNo : kYes;
      known.store(heeds, std::memory_order_relaxed);
    }
    return heeds == kYes;
  }
  static void* map(void* hint, std::size_t bytes, int protection, int more_flags = 0) noexcept {
    return Calls::mmap(hint, bytes, protection,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | more_flags);
  }
};

using Linux = LinuxOn<std::conditional_t<kSanitized, InterceptedCalls, KernelCalls>>;
static_assert(Platform<Linux>);

}  // namespace ralloc::os
