// Each way to free a block and say of which size or alignment it is, beside the way to get it.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "misuse.h"

// C23's and jemalloc's, which not every libc or allocator has.
extern "C" {
[[gnu::weak]] void free_sized(void* ptr, std::size_t size);
[[gnu::weak]] void free_aligned_sized(void* ptr, std::size_t align, std::size_t size);
[[gnu::weak]] void sdallocx(void* ptr, std::size_t size, int flags);
}

struct Form {
  const char* name;
  void* (*get)(std::size_t size, std::size_t align);
  void (*put)(void* block, std::size_t size, std::size_t align);
};

inline void* get_plain(std::size_t size, std::size_t) { return std::malloc(size); }
inline void* get_aligned(std::size_t size, std::size_t align) {
  return std::aligned_alloc(align, size);
}
inline void* get_new(std::size_t size, std::size_t) { return operator new(size); }
inline void* get_array(std::size_t size, std::size_t) { return operator new[](size); }
inline void* get_new_aligned(std::size_t size, std::size_t align) {
  return operator new(size, std::align_val_t(align));
}
inline void* get_array_aligned(std::size_t size, std::size_t align) {
  return operator new[](size, std::align_val_t(align));
}

template <class Function>
void require_there(Function* function) {
  if (function == nullptr) std::exit(kNotThere);
}

inline constexpr Form kForms[] = {
    {"free_sized", get_plain,
     [](void* p, std::size_t size, std::size_t) {
       require_there(&free_sized);
       free_sized(p, size);
     }},
    {"free_aligned_sized", get_aligned,
     [](void* p, std::size_t size, std::size_t align) {
       require_there(&free_aligned_sized);
       free_aligned_sized(p, align, size);
     }},
    {"sdallocx", get_plain,
     [](void* p, std::size_t size, std::size_t) {
       require_there(&sdallocx);
       sdallocx(p, size, 0);
     }},
    {"delete", get_new, [](void* p, std::size_t, std::size_t) { operator delete(p); }},
    {"delete_sized", get_new,
     [](void* p, std::size_t size, std::size_t) { operator delete(p, size); }},
    {"delete_nothrow", get_new,
     [](void* p, std::size_t, std::size_t) { operator delete(p, std::nothrow); }},
    {"delete_aligned", get_new_aligned,
     [](void* p, std::size_t, std::size_t align) { operator delete(p, std::align_val_t(align)); }},
    {"delete_sized_aligned", get_new_aligned,
     [](void* p, std::size_t size, std::size_t align) {
       operator delete(p, size, std::align_val_t(align));
     }},
    {"delete_array", get_array, [](void* p, std::size_t, std::size_t) { operator delete[](p); }},
    {"delete_array_sized", get_array,
     [](void* p, std::size_t size, std::size_t) { operator delete[](p, size); }},
    {"delete_array_aligned", get_array_aligned,
     [](void* p, std::size_t, std::size_t align) {
       operator delete[](p, std::align_val_t(align));
     }},
    {"delete_array_sized_aligned", get_array_aligned,
     [](void* p, std::size_t size, std::size_t align) {
       operator delete[](p, size, std::align_val_t(align));
     }},
};

inline const Form& form_named(const char* name) {
  for (const Form& form : kForms) {
    if (std::strcmp(form.name, name) == 0) return form;
  }
  std::exit(kUsage);
}
