// A C program, which needs no C++ run-time library: a plugin brings its own, for itself.
// Usage: plugin_host PLUGIN ralloc|libc
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  if (dlsym(RTLD_DEFAULT, "__cxa_throw") != NULL) {
    fprintf(stderr, "there is a C++ run-time library already\n");
    return 1;
  }
  void* plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (plugin == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  int (*run)(const char*) = (int (*)(const char*))dlsym(plugin, "run");
  const int result = run(argv[2]);
  // Nobody else keeps it.
  dlclose(plugin);
  if (dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD) != NULL) {
    fprintf(stderr, "the plugin was not unloaded\n");
    return 1;
  }
  return result;
}
