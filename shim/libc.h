// What the platforms of Unix take from libc alike: where the kernel has nothing of the kind, or
// libc keeps it.
//
// Thread safety: as platform.h.
#pragma once

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

#if defined(__GLIBC__)
// libc's sbrk under its second name: the first one may be the drop-in's.
extern "C" void* __sbrk(std::intptr_t bytes) noexcept;
#endif
extern "C" char** environ;

namespace ralloc::os {

// While one lives, libc works for us: errno stays the program's, and a thread that is to be
// cancelled goes on.
class LibcCall {
 public:
  LibcCall() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state_); }
  ~LibcCall() {
    pthread_setcancelstate(cancel_state_, nullptr);
    errno = errno_;
  }
  LibcCall(const LibcCall&) = delete;

 private:
  const int errno_ = errno;
  int cancel_state_ = 0;
};

struct Libc {
  static const char* const* environment() noexcept { return environ; }

  // A key's destructor: the only hook that runs after those of thread_local objects.
  static bool at_thread_exit(void (*hook)(void*), void* value) noexcept {
    LibcCall call;
    // Acquire pairs with the release below: the key works once its number is seen.
    std::uintptr_t key_plus_1 = exit_key.load(std::memory_order_acquire);
    if (key_plus_1 == 0) {
      pthread_key_t key;
      if (pthread_key_create(&key, hook) != 0) return false;
      // Release pairs with the acquires here and above.
      if (exit_key.compare_exchange_strong(key_plus_1, std::uintptr_t(key) + 1,
                                           std::memory_order_acq_rel,
                                           std::memory_order_acquire)) {
        key_plus_1 = std::uintptr_t(key) + 1;
      } else {
        pthread_key_delete(key);  // another thread was first; its key is in key_plus_1 now
      }
    }
    return pthread_setspecific(pthread_key_t(key_plus_1 - 1), value) == 0;
  }

  static bool at_fork_in_child(void (*hook)()) noexcept {
    LibcCall call;
    return pthread_atfork(nullptr, nullptr, hook) == 0;
  }

  // libc's, for it ends the process also if a handler of SIGABRT returns.
  [[noreturn]] static void abort() noexcept { std::abort(); }

  // Where libc remembers to have left the break; 0 where it has no such function under a name
  // that the drop-in does not take.
  static std::uintptr_t program_break() noexcept { return std::uintptr_t(sbrk(0)); }

  // From where libc remembers it.
  static bool move_break_to(std::uintptr_t from, std::uintptr_t to) noexcept {
    if (from == 0 || sbrk(std::intptr_t(to - from)) == reinterpret_cast<void*>(-1)) return false;
    // The kernel moves it to no place before its start, and libc takes that for success.
    return program_break() == to;
  }

 private:
  static void* sbrk([[maybe_unused]] std::intptr_t bytes) noexcept {
#if defined(__GLIBC__)
    LibcCall call;
    return __sbrk(bytes);
#else
    return nullptr;
#endif
  }

  // The key + 1; 0 before there is one.
  static constinit inline std::atomic<std::uintptr_t> exit_key{0};
};

// Addresses at a multiple of `align`, by what maps and unmaps some: map(hint, bytes) gives the
// begin, or null.
template <class Map, class Unmap>
void* reserve_at_multiple(std::size_t bytes, std::size_t align, void* hint, Map map,
                          Unmap unmap) noexcept {
  void* p = map(hint, bytes);
  if (p == nullptr || std::uintptr_t(p) % align == 0) return p;
  // Not aligned: map enough to hold an aligned part, and give the ends back.
  unmap(p, bytes);
  p = map(nullptr, bytes + align);
  if (p == nullptr) return nullptr;
  const std::uintptr_t begin = std::uintptr_t(p);
  const std::uintptr_t aligned = (begin + align - 1) / align * align;
  if (aligned != begin) unmap(p, aligned - begin);
  if (aligned != begin + align) {
    unmap(reinterpret_cast<void*>(aligned + bytes), begin + align - aligned);
  }
  return reinterpret_cast<void*>(aligned);
}

}  // namespace ralloc::os
