// The replaceable C++ operators new and delete, all twenty.
//
// A program may replace any of them. As the standard has it, some forms are made of others: that of
// an array calls that of one object, a nothrow new the one that throws, a delete with a size or
// nothrow the one without; but only where the program has its own, else the heap is asked at once.
// Whose it is, one compare says, for ours have second names that nobody can replace. (In a program
// at a fixed address, one whose address it takes counts as its own: there it is that of a jump to
// ours.)
//
// Weak, so that who links the archive may define some of them and has the others from here. In the
// shared library they are referred to as the program has them (alloc/replaceable.list).
//
// Thread safety: as ralloc.h.
#include <cstddef>
#include <new>

#include "alloc/allocator.h"
#include "alloc/failed_new.h"
#include "alloc/watch.h"

#define EXPORT [[gnu::weak, gnu::visibility("default")]]
#define OURS extern "C" [[gnu::visibility("hidden")]]
#define ALIAS(name) __attribute__((weak, alias(#name), visibility("default")))

using namespace ralloc;

// --- What the others are made of ---------------------------------------------------------------
OURS void* ralloc_new(std::size_t size);
OURS void* ralloc_new_array(std::size_t size);
OURS void* ralloc_new_aligned(std::size_t size, std::align_val_t align);
OURS void* ralloc_new_array_aligned(std::size_t size, std::align_val_t align);
OURS void ralloc_delete(void* ptr) noexcept;
OURS void ralloc_delete_array(void* ptr) noexcept;
OURS void ralloc_delete_aligned(void* ptr, std::align_val_t align) noexcept;
OURS void ralloc_delete_array_aligned(void* ptr, std::align_val_t align) noexcept;

void* operator new(std::size_t size) ALIAS(ralloc_new);
void* operator new[](std::size_t size) ALIAS(ralloc_new_array);
void* operator new(std::size_t size, std::align_val_t align) ALIAS(ralloc_new_aligned);
void* operator new[](std::size_t size, std::align_val_t align) ALIAS(ralloc_new_array_aligned);
void operator delete(void* ptr) noexcept ALIAS(ralloc_delete);
void operator delete[](void* ptr) noexcept ALIAS(ralloc_delete_array);
void operator delete(void* ptr, std::align_val_t align) noexcept ALIAS(ralloc_delete_aligned);
void operator delete[](void* ptr, std::align_val_t align) noexcept ALIAS(ralloc_delete_array_aligned);

namespace {

using New = void*(std::size_t);
using NewAligned = void*(std::size_t, std::align_val_t);
using Delete = void(void*);
using DeleteAligned = void(void*, std::align_val_t);

// --- The program's own, or null ------------------------------------------------------------------
// What it has in the place of ours, or else of what ours is made of.
template <class Operator>
[[gnu::always_inline]] inline Operator* unless(Operator* ours, Operator* linked,
                                               Operator* otherwise = nullptr) {
  return LIKELY(linked == ours) ? otherwise : linked;
}
[[gnu::always_inline]] inline New* their_new() {
  return unless<New>(ralloc_new, ::operator new);
}
[[gnu::always_inline]] inline New* their_new_array() {
  return unless<New>(ralloc_new_array, ::operator new[], their_new());
}
[[gnu::always_inline]] inline NewAligned* their_new_aligned() {
  return unless<NewAligned>(ralloc_new_aligned, ::operator new);
}
[[gnu::always_inline]] inline NewAligned* their_new_array_aligned() {
  return unless<NewAligned>(ralloc_new_array_aligned, ::operator new[], their_new_aligned());
}
[[gnu::always_inline]] inline Delete* their_delete() {
  return unless<Delete>(ralloc_delete, ::operator delete);
}
[[gnu::always_inline]] inline Delete* their_delete_array() {
  return unless<Delete>(ralloc_delete_array, ::operator delete[], their_delete());
}
[[gnu::always_inline]] inline DeleteAligned* their_delete_aligned() {
  return unless<DeleteAligned>(ralloc_delete_aligned, ::operator delete);
}
[[gnu::always_inline]] inline DeleteAligned* their_delete_array_aligned() {
  return unless<DeleteAligned>(ralloc_delete_array_aligned, ::operator delete[], their_delete_aligned());
}

// --- Ours ----------------------------------------------------------------------------------------
using Failed = void*(std::size_t, std::size_t, NewCall);

[[gnu::always_inline]] inline void* new_block(std::size_t size, NewForm form, Failed* failed) {
  void* block = allocate_hit(size);
  if (UNLIKELY(block == nullptr)) block = allocate_aligned(size, kGrain);
  if (UNLIKELY(block == nullptr)) return failed(size, kGrain, {form, __builtin_return_address(0)});
  return watch_allocated("new", block, size, kGrain);
}
[[gnu::always_inline]] inline void* new_aligned(std::size_t size, std::size_t align, NewForm form,
                                                Failed* failed) {
  void* block = allocate_aligned_hit(size, align);
  if (UNLIKELY(block == nullptr)) block = allocate_aligned(size, align);
  if (UNLIKELY(block == nullptr)) return failed(size, align, {form, __builtin_return_address(0)});
  return watch_allocated("new", block, size, align);
}

// By the program's own, if it has one.
[[gnu::always_inline]] inline void delete_block(Delete* theirs, void* ptr,
                                                std::size_t size = kUnknownSize) {
  if (UNLIKELY(theirs != nullptr)) return theirs(ptr);
  watch_deallocate("delete", ptr, size);
}
[[gnu::always_inline]] inline void delete_aligned(DeleteAligned* theirs, void* ptr,
                                                  std::align_val_t align,
                                                  std::size_t size = kUnknownSize) {
  if (UNLIKELY(theirs != nullptr)) return theirs(ptr, align);
  watch_deallocate("delete", ptr, size, std::size_t(align));
}

}  // namespace

void* ralloc_new(std::size_t n) { return new_block(n, NewForm::kOne, failed_new); }
void* ralloc_new_array(std::size_t n) {
  if (New* const theirs = their_new()) return theirs(n);
  return new_block(n, NewForm::kArray, failed_new);
}
EXPORT void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
  if (New* const theirs = their_new()) return call_nothrow(n, theirs);
  return new_block(n, NewForm::kOne, failed_new_nothrow);
}
EXPORT void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
  if (New* const theirs = their_new_array()) return call_nothrow(n, theirs);
  return new_block(n, NewForm::kArray, failed_new_nothrow);
}

void* ralloc_new_aligned(std::size_t n, std::align_val_t a) {
  return new_aligned(n, std::size_t(a), NewForm::kAlignedOne, failed_new);
}
void* ralloc_new_array_aligned(std::size_t n, std::align_val_t a) {
  if (NewAligned* const theirs = their_new_aligned()) return theirs(n, a);
  return new_aligned(n, std::size_t(a), NewForm::kAlignedArray, failed_new);
}
EXPORT void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  if (NewAligned* const theirs = their_new_aligned()) return call_nothrow(n, a, theirs);
  return new_aligned(n, std::size_t(a), NewForm::kAlignedOne, failed_new_nothrow);
}
EXPORT void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  if (NewAligned* const theirs = their_new_array_aligned()) return call_nothrow(n, a, theirs);
  return new_aligned(n, std::size_t(a), NewForm::kAlignedArray, failed_new_nothrow);
}

// clang-format off
void ralloc_delete(void* p) noexcept { delete_block(nullptr, p); }
void ralloc_delete_array(void* p) noexcept { delete_block(their_delete(), p); }
EXPORT void operator delete(void* p, std::size_t n) noexcept { delete_block(their_delete(), p, n); }
EXPORT void operator delete[](void* p, std::size_t n) noexcept { delete_block(their_delete_array(), p, n); }
EXPORT void operator delete(void* p, const std::nothrow_t&) noexcept { delete_block(their_delete(), p); }
EXPORT void operator delete[](void* p, const std::nothrow_t&) noexcept { delete_block(their_delete_array(), p); }

void ralloc_delete_aligned(void* p, std::align_val_t a) noexcept { delete_aligned(nullptr, p, a); }
void ralloc_delete_array_aligned(void* p, std::align_val_t a) noexcept { delete_aligned(their_delete_aligned(), p, a); }
EXPORT void operator delete(void* p, std::size_t n, std::align_val_t a) noexcept { delete_aligned(their_delete_aligned(), p, a, n); }
EXPORT void operator delete[](void* p, std::size_t n, std::align_val_t a) noexcept { delete_aligned(their_delete_array_aligned(), p, a, n); }
EXPORT void operator delete(void* p, std::align_val_t a, const std::nothrow_t&) noexcept { delete_aligned(their_delete_aligned(), p, a); }
EXPORT void operator delete[](void* p, std::align_val_t a, const std::nothrow_t&) noexcept { delete_aligned(their_delete_array_aligned(), p, a); }
// clang-format on
