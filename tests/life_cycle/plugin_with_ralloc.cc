// A plugin for unload_plugin.cc that has the allocator in itself.
#include "ralloc/ralloc.h"

extern "C" void* plugin_allocate(std::size_t size) { return ralloc::alloc(size); }
extern "C" void plugin_free(void* block, std::size_t size) { ralloc::free(block, size); }
