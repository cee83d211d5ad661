// The public C++ API; what it does not tell, the rooms below it do.
#include <ralloc/ralloc.h>

#include "alloc/allocator.h"
#include "alloc/checked.h"
#include "model/subject.h"
#include "shim/defences.h"
#include "support/build.h"

namespace ralloc_test {
namespace {

Given given(ralloc::SizedPointer block) { return {block.ptr, block.size}; }

constexpr AllocateWay kAllocateWays[] = {
    {"ralloc::try_alloc(SIZE, ALIGN)",
     [](std::size_t size, std::size_t align) { return ralloc::try_alloc(size, align); }, kPlain,
     true},
    {"ralloc::alloc(SIZE, ALIGN)",
     [](std::size_t size, std::size_t align) { return ralloc::alloc(size, align); }, kPlain, true},
    {"ralloc::alloc(SIZE)", [](std::size_t size, std::size_t) { return ralloc::alloc(size); },
     kPlain},
    {"ralloc::realloc(nullptr, 0, SIZE, ALIGN)",
     [](std::size_t size, std::size_t align) { return ralloc::realloc(nullptr, 0, size, align); },
     kPlain, true},
    {"ralloc::alloc_at_least(SIZE, ALIGN).ptr", nullptr, kPlain, true, false,
     [](std::size_t size, std::size_t align) {
       return given(ralloc::alloc_at_least(size, align));
     }},
    {"ralloc::try_alloc_at_least(SIZE).ptr", nullptr, kPlain, false, false,
     [](std::size_t size, std::size_t) { return given(ralloc::try_alloc_at_least(size)); }},
};

constexpr FreeWay kFreeWays[] = {
    {"ralloc::free(BLOCK, SIZE)",
     [](void* block, std::size_t size, std::size_t) { ralloc::free(block, size); }, kPlain},
};

constexpr ResizeWay kResizeWays[] = {
    {"ralloc::realloc(BLOCK, OLD, SIZE, ALIGN)",
     [](void* block, std::size_t old_size, std::size_t size, std::size_t align) {
       return ralloc::realloc(block, old_size, size, align);
     },
     kPlain, 0, true},
    {"ralloc::try_realloc(BLOCK, OLD, SIZE, ALIGN)",
     [](void* block, std::size_t old_size, std::size_t size, std::size_t align) {
       return ralloc::try_realloc(block, old_size, size, align);
     },
     kPlain, 0, true},
    {"ralloc::realloc(BLOCK, OLD, SIZE)",
     [](void* block, std::size_t old_size, std::size_t size, std::size_t) {
       return ralloc::realloc(block, old_size, size);
     },
     kPlain, 0, false},
};

constexpr PartWays kPartWays = {
    "ralloc::inplace_realloc(BLOCK, OLD, SIZE)",
    [](void* block, std::size_t old_size, std::size_t size) {
      return ralloc::inplace_realloc(block, old_size, size);
    },
    "ralloc::inplace_realloc_at_least(BLOCK, OLD, LEAST, SIZE)",
    [](void* block, std::size_t old_size, std::size_t least, std::size_t preferred) {
      return ralloc::inplace_realloc_at_least(block, old_size, least, preferred);
    },
};

std::size_t bytes_in_use() {
  if constexpr (ralloc::kDebugger) return ralloc::checked_live_bytes();
  // What lies freed for a while is counted, too.
  if constexpr (ralloc::kSecure) (void)ralloc::trim();
  const ralloc::Bookkeeper::Counts counts = ralloc::bookkeeper.counts();
  return counts.shards.blocks_bytes - ralloc::bytes_in_this_pool() + counts.large_bytes() -
         ralloc::large_bytes_in_this_pool();
}

}  // namespace

constinit const Subject subject = {
    "#include <ralloc/ralloc.h>\n",
    kAllocateWays,
    kFreeWays,
    kResizeWays,
    &kPartWays,
    ralloc::kDefaultAlignment,
    [](void* block) {
      return ralloc::usable_size(block, ralloc::Misuse::kForeignUsableSize);
    },
    false,
    ralloc::Defences::kZeroesFreed,
    bytes_in_use,
    0,
    !kSecureBuild,
    [] { return ralloc::bookkeeper.is_valid(); },
    [] { (void)ralloc::trim(); },
};

}  // namespace ralloc_test
