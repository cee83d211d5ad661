// What the tests ask of the system about their own process, without allocating.
//
// Thread safety: any thread. `REQUIRE` ends the process, so it is for whole programs;
// GoogleTest programs use its own assertions.
#pragma once

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "memory_access.h"

#define REQUIRE(condition) \
  ((condition) ? void(0) : ::ralloc_test::fail_requirement(#condition, __FILE__, __LINE__))

namespace ralloc_test {

inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;

[[noreturn]] inline void fail_requirement(const char* condition, const char* file, int line) {
  char text[512];
  const int size = std::snprintf(text, sizeof text, "%s:%d: required: %s\n", file, line, condition);
  if (write(STDERR_FILENO, text, std::size_t(size)) != size) _exit(2);
  _exit(1);
}

// The value, of which the compiler knows nothing any more: calls with an absurd size and
// uses of a freed block stay as they are written, and without a warning.
template <class T>
T opaque(T value) {
  asm volatile("" : "+r"(value) : : "memory");
  return value;
}

// The file of the shared library (or program) that defines what is at `address`.
inline const char* object_of(const void* address) {
  Dl_info info;
  return dladdr(address, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : "";
}

inline bool is_in_ralloc(const void* address) {
  return address != nullptr && std::strstr(object_of(address), "/libralloc") != nullptr;
}

// Whether this process allocates from the library under test.
inline bool malloc_is_ralloc() { return is_in_ralloc(dlsym(RTLD_DEFAULT, "malloc")); }

// The number of bytes in the line of `file` that starts with `field`, given there in kB.
inline std::size_t bytes_in_proc(const char* file, const char* field) {
  static thread_local char text[8192];
  const int fd = open(file, O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  std::size_t size = 0;
  for (ssize_t n; (n = read(fd, text + size, sizeof text - 1 - size)) > 0;) size += std::size_t(n);
  close(fd);
  text[size] = 0;
  const char* at = std::strstr(text, field);
  REQUIRE(at != nullptr);
  return std::strtoull(at + std::strlen(field), nullptr, 10) * kKiB;
}

// Counted page by page: the counters behind /proc/self/statm lag by some hundred KiB.
inline std::size_t resident_bytes() { return bytes_in_proc("/proc/self/smaps_rollup", "Rss:"); }
inline std::size_t address_space_bytes() { return bytes_in_proc("/proc/self/status", "VmSize:"); }

// SplitMix64: the same numbers on every machine for the same seed.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::size_t below(std::size_t limit) { return std::size_t(next() % limit); }

 private:
  std::uint64_t state_;
};

}  // namespace ralloc_test
