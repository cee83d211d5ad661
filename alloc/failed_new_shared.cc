// The same where no C++ run-time library can be asked for, since C programs load this one too.
//
// Most processes have one that all libraries see: the loader has bound what is named here to it,
// and nothing is looked up. Where plugins alone have one (RTLD_LOCAL), or each its own, the
// caller's own operator does it: it asks malloc, which is ours, then its new-handler, and throws
// what the caller can catch. That is looked up each time, for plugins come and go, under the
// loader's lock.
//
// Thread safety: as alloc/failed_new.h.
#include "alloc/failed_new.h"

#include <dlfcn.h>

#include "alloc/new_handling.h"
#include "shim/fatal.h"

// All that the compiler makes of throw and catch. Null where there is none; an exception then
// passes by the functions here, as by those without handlers.
__asm__(R"(
  .weak __cxa_allocate_exception
  .weak __cxa_throw
  .weak __cxa_begin_catch
  .weak __cxa_end_catch
  .weak __gxx_personality_v0
  .weak _ZSt9terminatev
  .weak _ZTISt9bad_alloc
  .weak _ZTVSt9bad_alloc
  .weak _ZNSt9bad_allocD1Ev
  .weak _ZTVSt9exception
)");

namespace ralloc {
namespace {

extern "C" [[gnu::weak]] void throw_if_linked() __asm__("__cxa_throw");
extern "C" [[gnu::weak]] const char bad_alloc_if_linked[] __asm__("_ZTISt9bad_alloc");
extern "C" [[gnu::weak]] std::new_handler new_handler_if_linked() __asm__("_ZSt15get_new_handlerv");

// Of what throw itself names the compiler knows that it is there.
bool is_linked(const void* address) {
  __asm__("" : "+r"(address));
  return address != nullptr;
}
bool can_throw() {
  return is_linked(reinterpret_cast<void*>(&throw_if_linked)) && is_linked(bad_alloc_if_linked);
}

// A program that links its archive may not have this part of it: then it never set a handler.
std::new_handler current_handler() {
  return new_handler_if_linked != nullptr ? new_handler_if_linked() : nullptr;
}

// The library (or program) that has this address.
const void* base_of(const void* address) {
  Dl_info info;
  return dladdr(address, &info) != 0 ? info.dli_fbase : nullptr;
}

// A function that a loaded library has, or one that it was linked with, but for ours.
void* find_in(const char* library, const char* symbol) {
  void* const handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
  if (handle == nullptr) return nullptr;
  void* const found = dlsym(handle, symbol);
  dlclose(handle);
  const bool is_ours = base_of(found) == base_of(reinterpret_cast<void*>(&find_in));
  return is_ours ? nullptr : found;
}

// The operator that the caller would have without us. (A function that ends with a call of new may
// have jumped to it. Its own caller is found then, which need not have one.)
void* operator_of(const void* caller, const char* symbol) {
  Dl_info info;
  void* const found = dladdr(caller, &info) != 0 ? find_in(info.dli_fname, symbol) : nullptr;
  return found != nullptr ? found : find_in("libstdc++.so.6", symbol);
}

// libstdc++ rounds sizes up to the alignment, and some would come round to nothing.
std::size_t without_overflow(std::size_t size) { return size < kSizeMost ? size : kSizeMost; }

// That for arrays would only call that for one object, and be no caller that can be told.
void* new_by_caller(std::size_t size, std::size_t align, NewCall call) {
  using New = void*(std::size_t);
  using NewAligned = void*(std::size_t, std::align_val_t);
  const bool aligned = is_aligned(call.form);
  void* const found = operator_of(call.from, aligned ? "_ZnwmSt11align_val_t" : "_Znwm");
  if (found == nullptr) die_of_exhaustion(size);
  if (!aligned) return reinterpret_cast<New*>(found)(size);
  return reinterpret_cast<NewAligned*>(found)(without_overflow(size), std::align_val_t{align});
}

// The form that was called, for the caller's library need not have another.
void* new_nothrow_by_caller(std::size_t size, std::size_t align, NewCall call) {
  using New = void*(std::size_t, const std::nothrow_t&);
  using NewAligned = void*(std::size_t, std::align_val_t, const std::nothrow_t&);
  constexpr const char* kSymbols[] = {  // by NewForm
      "_ZnwmRKSt9nothrow_t", "_ZnamRKSt9nothrow_t", "_ZnwmSt11align_val_tRKSt9nothrow_t",
      "_ZnamSt11align_val_tRKSt9nothrow_t"};
  void* const found = operator_of(call.from, kSymbols[unsigned(call.form)]);
  if (found == nullptr) return nullptr;
  const std::nothrow_t nothrow{};
  if (!is_aligned(call.form)) return reinterpret_cast<New*>(found)(size, nothrow);
  return reinterpret_cast<NewAligned*>(found)(without_overflow(size), std::align_val_t{align},
                                              nothrow);
}

}  // namespace

void* failed_new(std::size_t size, std::size_t align, NewCall call) {
  if (!can_throw()) return new_by_caller(size, align, call);
  return new_or_throw(size, align, current_handler);
}

void* failed_new_nothrow(std::size_t size, std::size_t align, NewCall call) noexcept {
  if (!can_throw()) return new_nothrow_by_caller(size, align, call);
  return new_or_null(size, align, current_handler);
}

}  // namespace ralloc
