// All forms of new, each with the forms of delete that may take its block.
//
// Thread safety: constants.
#pragma once

#include <cstddef>
#include <new>

namespace ralloc_test {

enum class Base { kOne, kArray, kAligned, kAlignedArray };
inline constexpr std::size_t kBases = 4;

inline constexpr auto kAlign = std::align_val_t(64);

struct Form {
  const char* name;
  Base base;  // what it and its deletes are made of, if the program has that
  bool throws;
  void* (*allocate)(std::size_t size);
  void (*deletes[3])(void* ptr, std::size_t size);
};

inline constexpr Form kForms[] = {
    {"new", Base::kOne, true, [](std::size_t n) { return ::operator new(n); },
     {[](void* p, std::size_t) { ::operator delete(p); },
      [](void* p, std::size_t n) { ::operator delete(p, n); },
      [](void* p, std::size_t) { ::operator delete(p, std::nothrow); }}},
    {"new nothrow", Base::kOne, false,
     [](std::size_t n) { return ::operator new(n, std::nothrow); },
     {[](void* p, std::size_t) { ::operator delete(p); },
      [](void* p, std::size_t n) { ::operator delete(p, n); },
      [](void* p, std::size_t) { ::operator delete(p, std::nothrow); }}},
    {"new[]", Base::kArray, true, [](std::size_t n) { return ::operator new[](n); },
     {[](void* p, std::size_t) { ::operator delete[](p); },
      [](void* p, std::size_t n) { ::operator delete[](p, n); },
      [](void* p, std::size_t) { ::operator delete[](p, std::nothrow); }}},
    {"new[] nothrow", Base::kArray, false,
     [](std::size_t n) { return ::operator new[](n, std::nothrow); },
     {[](void* p, std::size_t) { ::operator delete[](p); },
      [](void* p, std::size_t n) { ::operator delete[](p, n); },
      [](void* p, std::size_t) { ::operator delete[](p, std::nothrow); }}},
    {"new aligned", Base::kAligned, true, [](std::size_t n) { return ::operator new(n, kAlign); },
     {[](void* p, std::size_t) { ::operator delete(p, kAlign); },
      [](void* p, std::size_t n) { ::operator delete(p, n, kAlign); },
      [](void* p, std::size_t) { ::operator delete(p, kAlign, std::nothrow); }}},
    {"new aligned nothrow", Base::kAligned, false,
     [](std::size_t n) { return ::operator new(n, kAlign, std::nothrow); },
     {[](void* p, std::size_t) { ::operator delete(p, kAlign); },
      [](void* p, std::size_t n) { ::operator delete(p, n, kAlign); },
      [](void* p, std::size_t) { ::operator delete(p, kAlign, std::nothrow); }}},
    {"new[] aligned", Base::kAlignedArray, true,
     [](std::size_t n) { return ::operator new[](n, kAlign); },
     {[](void* p, std::size_t) { ::operator delete[](p, kAlign); },
      [](void* p, std::size_t n) { ::operator delete[](p, n, kAlign); },
      [](void* p, std::size_t) { ::operator delete[](p, kAlign, std::nothrow); }}},
    {"new[] aligned nothrow", Base::kAlignedArray, false,
     [](std::size_t n) { return ::operator new[](n, kAlign, std::nothrow); },
     {[](void* p, std::size_t) { ::operator delete[](p, kAlign); },
      [](void* p, std::size_t n) { ::operator delete[](p, n, kAlign); },
      [](void* p, std::size_t) { ::operator delete[](p, kAlign, std::nothrow); }}},
};

}  // namespace ralloc_test
