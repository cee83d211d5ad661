// Where the functions of this program come from.
#pragma once

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>

// The file of the library (or program) that defines what is at `address`.
inline std::string origin_of(void* address) {
  Dl_info info;
  return dladdr(address, &info) != 0 ? info.dli_fname : "?";
}

inline std::string origin_of_malloc() { return origin_of(reinterpret_cast<void*>(&std::malloc)); }

inline std::string origin_of_new() {
  return origin_of(reinterpret_cast<void*>(static_cast<void* (*)(std::size_t)>(&operator new)));
}

inline bool ends_with_program(const std::string& origin, const char* program) {
  const std::string name = std::string(program).substr(std::string(program).rfind('/') + 1);
  return origin.size() >= name.size() &&
         origin.compare(origin.size() - name.size(), name.size(), name) == 0;
}
