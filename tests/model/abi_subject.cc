// The malloc ABI, as a program linked with the drop-in calls it.
#include <new>

#include "abi/malloc_family.h"
#include "model/subject.h"
#include "shim/defences.h"
#include "support/build.h"

namespace ralloc_test {
namespace {

// new and delete are written as functions, so that each line names one operator.
constexpr AllocateWay kAllocateWays[] = {
    {"malloc(SIZE)", [](std::size_t size, std::size_t) { return malloc(size); }, kPlain},
    {"malloc(SIZE)", [](std::size_t size, std::size_t) { return malloc(size); }, kPlain},
    {"calloc(1, SIZE)", [](std::size_t size, std::size_t) { return calloc(1, size); }, kPlain,
     false, true},
    {"calloc(SIZE, 1)", [](std::size_t size, std::size_t) { return calloc(size, 1); }, kPlain,
     false, true},
    {"realloc(nullptr, SIZE)",
     [](std::size_t size, std::size_t) { return realloc(nullptr, size); }, kPlain},
    {"posix_memalign(&BLOCK, std::max<std::size_t>(ALIGN, 8), SIZE)",
     [](std::size_t size, std::size_t align) -> void* {
       void* block = nullptr;
       return posix_memalign(&block, align < 8 ? 8 : align, size) == 0 ? block : nullptr;
     },
     kAligned, true},
    {"aligned_alloc(ALIGN, SIZE)",
     [](std::size_t size, std::size_t align) { return aligned_alloc(align, size); }, kAligned,
     true},
    {"memalign(ALIGN, SIZE)",
     [](std::size_t size, std::size_t align) { return memalign(align, size); }, kAligned, true},
    {"valloc(SIZE)", [](std::size_t size, std::size_t) { return valloc(size); }, kPlain},
    {"operator new(SIZE)",
     [](std::size_t size, std::size_t) { return ::operator new(size); }, kNew},
    {"operator new(SIZE, std::nothrow)",
     [](std::size_t size, std::size_t) { return ::operator new(size, std::nothrow); }, kNew},
    {"operator new[](SIZE)",
     [](std::size_t size, std::size_t) { return ::operator new[](size); }, kNewArray},
    {"operator new[](SIZE, std::nothrow)",
     [](std::size_t size, std::size_t) { return ::operator new[](size, std::nothrow); },
     kNewArray},
    {"operator new(SIZE, std::align_val_t{ALIGN})",
     [](std::size_t size, std::size_t align) {
       return ::operator new(size, std::align_val_t{align});
     },
     kNewAligned, true},
    {"operator new[](SIZE, std::align_val_t{ALIGN}, std::nothrow)",
     [](std::size_t size, std::size_t align) {
       return ::operator new[](size, std::align_val_t{align}, std::nothrow);
     },
     kNewArrayAligned, true},
};

constexpr FreeWay kFreeWays[] = {
    {"free(BLOCK)", [](void* block, std::size_t, std::size_t) { free(block); }, kPlain | kAligned},
    {"cfree(BLOCK)", [](void* block, std::size_t, std::size_t) { cfree(block); },
     kPlain | kAligned},
    {"free_sized(BLOCK, SIZE)",
     [](void* block, std::size_t size, std::size_t) { free_sized(block, size); }, kPlain},
    {"free_aligned_sized(BLOCK, ALIGN, SIZE)",
     [](void* block, std::size_t size, std::size_t align) {
       free_aligned_sized(block, align, size);
     },
     kAligned},
    {"sdallocx(BLOCK, SIZE, 0)",
     [](void* block, std::size_t size, std::size_t) { sdallocx(block, size, 0); }, kPlain},
    {"operator delete(BLOCK)",
     [](void* block, std::size_t, std::size_t) { ::operator delete(block); }, kNew},
    {"operator delete(BLOCK, SIZE)",
     [](void* block, std::size_t size, std::size_t) { ::operator delete(block, size); }, kNew},
    {"operator delete(BLOCK, std::align_val_t{ALIGN})",
     [](void* block, std::size_t, std::size_t align) {
       ::operator delete(block, std::align_val_t{align});
     },
     kNewAligned},
    {"operator delete(BLOCK, SIZE, std::align_val_t{ALIGN})",
     [](void* block, std::size_t size, std::size_t align) {
       ::operator delete(block, size, std::align_val_t{align});
     },
     kNewAligned},
    {"operator delete[](BLOCK)",
     [](void* block, std::size_t, std::size_t) { ::operator delete[](block); }, kNewArray},
    {"operator delete[](BLOCK, SIZE)",
     [](void* block, std::size_t size, std::size_t) { ::operator delete[](block, size); },
     kNewArray},
    {"operator delete[](BLOCK, SIZE, std::align_val_t{ALIGN})",
     [](void* block, std::size_t size, std::size_t align) {
       ::operator delete[](block, size, std::align_val_t{align});
     },
     kNewArrayAligned},
};

constexpr ResizeWay kResizeWays[] = {
    {"realloc(BLOCK, SIZE)",
     [](void* block, std::size_t, std::size_t size, std::size_t) { return realloc(block, size); },
     kPlain | kAligned, 1},
    {"reallocarray(BLOCK, SIZE, 1)",
     [](void* block, std::size_t, std::size_t size, std::size_t) {
       return reallocarray(block, size, 1);
     },
     kPlain | kAligned, 1},
};

}  // namespace

constinit const Subject subject = {
    "#include \"abi/malloc_family.h\"\n",
    kAllocateWays,
    kFreeWays,
    kResizeWays,
    nullptr,
    16,
    [](void* block) { return malloc_usable_size(block); },
    true,
    ralloc::Defences::kZeroesFreed,
    [] {
      if (kSecureBuild) malloc_trim(0);  // what lies freed for a while is counted, too
      const struct mallinfo2 info = mallinfo2();
      return info.uordblks + info.hblkhd;
    },
    64 * 1024,
    !kSecureBuild,
    [] { return true; },  // it has no validator; core_subject.cc has
    [] { malloc_trim(0); },
};

}  // namespace ralloc_test
