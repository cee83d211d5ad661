// What a program that replaces some operators knows of its own. Their blocks begin behind a header,
// so that nobody else can free them, as memory trackers do.
//
// Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

#include "operators/forms.h"
#include "support/process.h"

namespace ralloc_test {

struct Calls {
  int news;
  int deletes;
};
inline Calls calls[kBases];

struct Header {
  std::size_t size;
  Base base;
};
inline constexpr std::size_t kHeader = 64;
static_assert(sizeof(Header) <= kHeader && std::size_t(kAlign) == kHeader);

inline void* allocate_behind_header(Base base, std::size_t size) {
  ++calls[std::size_t(base)].news;
  const std::size_t padded = (size + kHeader - 1) / kHeader * kHeader;
  void* const block = padded < size ? nullptr : std::aligned_alloc(kHeader, kHeader + padded);
  if (block == nullptr) throw std::bad_alloc();
  new (block) Header{size, base};
  return static_cast<char*>(block) + kHeader;
}

inline void free_behind_header(Base base, void* ptr) {
  if (ptr == nullptr) return;
  ++calls[std::size_t(base)].deletes;
  char* const block = static_cast<char*>(ptr) - kHeader;
  REQUIRE(reinterpret_cast<Header*>(block)->base == base);
  std::free(block);
}

}  // namespace ralloc_test
