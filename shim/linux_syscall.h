// A system call of Linux, without libc: which promises neither to allocate nothing nor that
// nobody has taken its function's place, and sets errno.
//
// Thread safety: that of the call. No cancellation point.
#pragma once

#include <type_traits>

namespace ralloc::os {

// As the kernel returns it: -4095 to -1 is an error's number, negated.
inline long linux_syscall_of_longs(long number, long a, long b, long c, long d, long e,
                                   long f) noexcept {
#if defined(__x86_64__)
  long result;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc 0"
               : "+r"(x0)
               : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
               : "memory");
  return x0;
#else
#error "No system calls for this processor: add them, or build with RALLOC_PLATFORM=posix"
#endif
}

template <class T>
long syscall_argument(T value) noexcept {
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<long>(value);
  } else if constexpr (std::is_null_pointer_v<T>) {
    return 0;
  } else {
    return long(value);
  }
}

template <class... T>
long linux_syscall(long number, T... arguments) noexcept {
  static_assert(sizeof...(T) <= 6);
  const long all[6] = {syscall_argument(arguments)...};
  return linux_syscall_of_longs(number, all[0], all[1], all[2], all[3], all[4], all[5]);
}

inline bool is_error(long result) noexcept { return result < 0 && result >= -4095; }

}  // namespace ralloc::os
