// Whether memory can be read and written, and what is in it.
//
// Thread safety: any thread.
#pragma once

#include <cstddef>
#include <cstring>

#if defined(_WIN32)
#include <windows.h>
#else
#include <unistd.h>
#endif

namespace ralloc_test {

#if defined(_WIN32)

inline bool is_readable(const void* p) {
  char byte;
  SIZE_T n = 0;
  return ReadProcessMemory(GetCurrentProcess(), p, &byte, 1, &n) && n == 1;
}
inline bool is_writable(void* p) {
  MEMORY_BASIC_INFORMATION info;
  return VirtualQuery(p, &info, sizeof info) != 0 && info.State == MEM_COMMIT &&
         info.Protect == PAGE_READWRITE;
}

#else

// The kernel says by an error, instead of a signal, whether it could read or write there.
inline bool is_readable(const void* p) {
  int ends[2];
  if (pipe(ends) != 0) return false;
  const bool readable = write(ends[1], p, 1) == 1;
  close(ends[0]);
  close(ends[1]);
  return readable;
}
inline bool is_writable(void* p) {
  int ends[2];
  if (pipe(ends) != 0) return false;
  const bool writable = write(ends[1], "x", 1) == 1 && read(ends[0], p, 1) == 1;
  close(ends[0]);
  close(ends[1]);
  return writable;
}

#endif

// Whether every byte is `value`.
inline bool is_filled(const void* begin, std::size_t size, unsigned char value) {
  const auto* bytes = static_cast<const unsigned char*>(begin);
  return size == 0 || (bytes[0] == value && std::memcmp(bytes, bytes + 1, size - 1) == 0);
}

}  // namespace ralloc_test
