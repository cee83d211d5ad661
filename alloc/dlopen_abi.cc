// dlopen, for all of a process that has libralloc.so: without RTLD_DEEPBIND.
//
// A plugin that is loaded with this flag finds libc's malloc and free before the program's, and so
// frees blocks of ralloc's by libc's free, and gives the program blocks of libc's to free.
//
// libc's dlopen knows by its return address which object has called it, and looks for the file by
// what is said there (RUNPATH, $ORIGIN, the namespace). So the call is handed on, not wrapped.
//
// Thread safety: as libc's dlopen.
#include <cstdint>

#include "shim/loader.h"
#include "shim/log.h"
#include "shim/options.h"

namespace ralloc {
namespace {

void* no_dlopen(const char*, int) { return nullptr; }

int allowed(int flags) {
  if ((flags & os::kDeepbindFlag) == 0 || option::deepbind()) return flags;
  log_note("dlopen goes on without RTLD_DEEPBIND");
  return flags & ~os::kDeepbindFlag;
}

}  // namespace

extern "C" [[gnu::used, gnu::visibility("hidden")]] os::Onward ralloc_plan_dlopen(
    const char* file, int flags) noexcept {
  log_call("dlopen(%, %)", static_cast<const void*>(file), flags);
  os::Dlopen* const next = os::next_dlopen();
  return {reinterpret_cast<const void*>(next != nullptr ? next : no_dlopen), allowed(flags)};
}

}  // namespace ralloc

RALLOC_HAND_ON(dlopen, ralloc_plan_dlopen);
