// What operator new does by exceptions: when there is no memory, and where a form that may not
// throw calls one that may. Two files define it, of which a product has one: the archive
// failed_new_archive.cc, the shared library failed_new_shared.cc. They alone are compiled with
// exceptions.
//
// Thread safety: any thread, no lock held. What is called may be the program's.
#pragma once

#include <cstddef>
#include <new>

namespace ralloc {

// The new that was called, and from where.
enum class NewForm { kOne, kArray, kAlignedOne, kAlignedArray };
struct NewCall {
  NewForm form;
  const void* from;
};
constexpr bool is_aligned(NewForm form) { return form >= NewForm::kAlignedOne; }

// What a call of new gives for which there was no memory. The new-handler is asked for some, until
// there is, or no handler any more. What it throws passes, and without one it is bad_alloc. The
// block has passed by alloc/watch.h.
[[nodiscard]] void* failed_new(std::size_t size, std::size_t align, NewCall call);
// The same, but null for whatever is thrown.
[[nodiscard]] void* failed_new_nothrow(std::size_t size, std::size_t align, NewCall call) noexcept;

// What the program's own operator gives; null if it throws.
[[nodiscard]] void* call_nothrow(std::size_t size, void* (*theirs)(std::size_t)) noexcept;
[[nodiscard]] void* call_nothrow(std::size_t size, std::align_val_t align,
                                 void* (*theirs)(std::size_t, std::align_val_t)) noexcept;

}  // namespace ralloc
