// A program that replaces some operators: each other form calls the one that the standard makes it of.
// Usage: replaced_NAME [one] [array] [aligned] [aligned_array], what it replaces
#include "operators/replaced.h"

#include <cstring>
#include <initializer_list>

namespace {

using namespace ralloc_test;

bool is_replaced[kBases];

// What the form is made of: an array form of that for one object, where there is none for arrays.
// -1 if the program has neither.
int made_of(Base base) {
  const int at = int(base);
  if (is_replaced[at]) return at;
  const bool is_array = base == Base::kArray || base == Base::kAlignedArray;
  return is_array && is_replaced[at - 1] ? at - 1 : -1;
}

// Which were called since the last question: -1 if none, -2 if several or one more than once.
int called(int Calls::*which) {
  int found = -1;
  for (int i = 0; i < int(kBases); ++i) {
    const int count = calls[i].*which;
    calls[i].*which = 0;
    if (count == 0) continue;
    found = found == -1 && count == 1 ? i : -2;
  }
  return found;
}

void require_block(const Form& form, void (*free_block)(void*, std::size_t), std::size_t size) {
  void* const block = form.allocate(opaque(size));
  REQUIRE(called(&Calls::news) == made_of(form.base));
  REQUIRE(block != nullptr);
  std::memset(block, 1, size);
  free_block(opaque(block), size);
  REQUIRE(called(&Calls::deletes) == made_of(form.base));
  free_block(nullptr, size);
  REQUIRE(called(&Calls::deletes) == -1);
}

void require_failure(const Form& form) {
  bool is_caught = false;
  void* block = nullptr;
  try {
    block = form.allocate(opaque(std::size_t{1} << 62));
  } catch (const std::bad_alloc&) {
    is_caught = true;
  }
  REQUIRE(block == nullptr && is_caught == form.throws);
  REQUIRE(called(&Calls::news) == made_of(form.base));
}

}  // namespace

int main(int argc, char** argv) {
  constexpr const char* kNames[] = {"one", "array", "aligned", "aligned_array"};
  for (int i = 1; i < argc; ++i) {
    for (std::size_t base = 0; base < kBases; ++base) {
      if (std::strcmp(argv[i], kNames[base]) == 0) is_replaced[base] = true;
    }
  }
  called(&Calls::news);
  called(&Calls::deletes);
  for (const Form& form : kForms) {
    for (const auto free_block : form.deletes) {
      for (const std::size_t size : {1, 48, 1000, 5000, 40000}) require_block(form, free_block, size);
    }
    require_failure(form);
  }
  return 0;
}
