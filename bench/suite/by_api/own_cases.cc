// What only ralloc's own functions can do.
#include <cstddef>

#include "ralloc/functions.h"
#include "bench/suite/cases.h"

namespace ralloc::bench {
namespace {

// The compiler knows the size, and so the size class.
template <std::size_t kSize>
void constant(State& state, std::size_t) {
  for (auto _ : state) {
    void* const block = ralloc::alloc(kSize);
    ralloc::free(touch(block), kSize);
  }
  state.SetItemsProcessed(state.iterations());
}

// A block goes in three parts: its head, its tail, what is left.
void parts(State& state, std::size_t size) {
  const std::size_t part = size / 4;
  for (auto _ : state) {
    auto* const block = static_cast<char*>(touch(ralloc::alloc(size)));
    ralloc::free(block, part);
    ralloc::free(block + size - part, part);
    ralloc::free(block + part, size - 2 * part);
  }
  state.SetItemsProcessed(state.iterations());
}

// A buffer takes what it can get where it is.
void in_place(State& state, std::size_t size) {
  for (auto _ : state) {
    void* const block = touch(ralloc::alloc(size));
    const std::size_t grown = ralloc::inplace_realloc_at_least(block, size, size, 2 * size);
    const std::size_t now = grown == 0 ? size : grown;
    const bool is_shrunk = ralloc::inplace_realloc(block, now, size);
    ralloc::free(block, is_shrunk ? size : now);
  }
  state.SetItemsProcessed(state.iterations());
}

constexpr const char* kConstant = "as pairs, of a size that the compiler knows";
constexpr const char* kParts = "a block is allocated, and freed in three parts";
constexpr const char* kInPlace = "a block grows and shrinks where it is";

const AddCases cases{
    {"own/constant_64", kConstant, constant<64>},
    {"own/constant_1024", kConstant, constant<1024>},
    {"own/parts_1024", kParts, parts, 1024},
    {"own/parts_1MiB", kParts, parts, std::size_t{1} << 20},
    {"own/in_place_1000", kInPlace, in_place, 1000},
    {"own/in_place_1MiB", kInPlace, in_place, std::size_t{1} << 20},
};

}  // namespace
}  // namespace ralloc::bench
