// A plugin for deepbind.cc: says which malloc it has found, and loads others from where it is.
#include <dlfcn.h>

#include <cstdlib>

extern "C" void* plugin_malloc() { return reinterpret_cast<void*>(&std::malloc); }

// The loader looks where this object says (its RUNPATH), whoever else is on the stack.
extern "C" void* plugin_load(const char* name, int flags) {
  void* const library = dlopen(name, flags);
  asm volatile("");  // not handed on in its turn
  return library;
}
