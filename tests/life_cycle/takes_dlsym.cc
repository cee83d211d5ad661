// Preloaded before the library: takes the place of dlsym, as overlays do that show something over
// a program's pictures. libc's then looks behind this object, not behind who asks.
#include <dlfcn.h>

extern "C" void* dlsym(void* handle, const char* name) {
  using Dlsym = void*(void*, const char*);
  static Dlsym* const next = reinterpret_cast<Dlsym*>(dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34"));
  void* const found = next(handle, name);
  asm volatile("");  // from here, not from its caller
  return found;
}
