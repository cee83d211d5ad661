// Every name that the library promises is found in it, before the C library's.
#include <gtest/gtest.h>

#include "abi/malloc_family.h"
#include "support/process.h"

namespace {

using ralloc_test::is_in_ralloc;
using ralloc_test::object_of;

constexpr const char* kMallocFamily[] = {
    "malloc",        "calloc",         "realloc",           "reallocarray",
    "free",          "cfree",          "posix_memalign",    "aligned_alloc",
    "memalign",      "valloc",         "pvalloc",           "malloc_usable_size",
    "free_sized",    "free_aligned_sized", "malloc_trim",   "mallinfo",
    "mallinfo2",     "mallopt",        "malloc_stats",      "malloc_info",
    "malloc_good_size", "nallocx",     "sdallocx",          "__libc_malloc",
    "__libc_calloc", "__libc_realloc", "__libc_free",       "__libc_memalign",
    "__libc_valloc", "__libc_pvalloc", "malloc_object_size", "malloc_object_size_fast",
};

// new and delete, each alone and as array: plain, aligned, nothrow, both; delete also sized.
constexpr const char* kOperators[] = {
    "_Znwm",
    "_Znam",
    "_ZnwmSt11align_val_t",
    "_ZnamSt11align_val_t",
    "_ZnwmRKSt9nothrow_t",
    "_ZnamRKSt9nothrow_t",
    "_ZnwmSt11align_val_tRKSt9nothrow_t",
    "_ZnamSt11align_val_tRKSt9nothrow_t",
    "_ZdlPv",
    "_ZdaPv",
    "_ZdlPvm",
    "_ZdaPvm",
    "_ZdlPvSt11align_val_t",
    "_ZdaPvSt11align_val_t",
    "_ZdlPvmSt11align_val_t",
    "_ZdaPvmSt11align_val_t",
    "_ZdlPvRKSt9nothrow_t",
    "_ZdaPvRKSt9nothrow_t",
    "_ZdlPvSt11align_val_tRKSt9nothrow_t",
    "_ZdaPvSt11align_val_tRKSt9nothrow_t",
};
static_assert(sizeof kOperators / sizeof kOperators[0] == 20);

TEST(SymbolsTest, TheMallocFamilyIsRallocs) {
  for (const char* name : kMallocFamily) {
    void* address = dlsym(RTLD_DEFAULT, name);
    EXPECT_TRUE(is_in_ralloc(address)) << name << " is in " << object_of(address);
  }
}

TEST(SymbolsTest, TheProgramBreakIsRallocs) {
  for (const char* name : {"sbrk", "brk"}) {
    void* address = dlsym(RTLD_DEFAULT, name);
    EXPECT_TRUE(is_in_ralloc(address)) << name << " is in " << object_of(address);
  }
}

TEST(SymbolsTest, DlopenIsRallocsAndTheRestOfTheLoaderIsNot) {
  EXPECT_TRUE(is_in_ralloc(reinterpret_cast<void*>(&dlopen)));
  for (const char* name : {"dlsym", "dlmopen", "dlclose", "dlerror"}) {
    void* address = dlsym(RTLD_DEFAULT, name);
    ASSERT_NE(address, nullptr) << name;
    EXPECT_FALSE(is_in_ralloc(address)) << name;
  }
}

TEST(SymbolsTest, AllTwentyOperatorsAreRallocs) {
  for (const char* name : kOperators) {
    void* address = dlsym(RTLD_DEFAULT, name);
    EXPECT_TRUE(is_in_ralloc(address)) << name << " is in " << object_of(address);
  }
}

TEST(SymbolsTest, ThisProgramIsBoundToThem) {
  EXPECT_TRUE(is_in_ralloc(reinterpret_cast<void*>(&malloc)));
  EXPECT_TRUE(is_in_ralloc(reinterpret_cast<void*>(&free)));
  EXPECT_TRUE(is_in_ralloc(
      reinterpret_cast<void*>(static_cast<void* (*)(std::size_t)>(&operator new))));
}

// Chromium and others die where an allocator brings these along.
TEST(SymbolsTest, StringFunctionsStayTheCLibrarys) {
  for (const char* name : {"strdup", "strndup", "memcpy", "memset", "_ZSt7nothrow"}) {
    void* address = dlsym(RTLD_DEFAULT, name);
    ASSERT_NE(address, nullptr) << name;
    EXPECT_FALSE(is_in_ralloc(address)) << name;
  }
}

}  // namespace
