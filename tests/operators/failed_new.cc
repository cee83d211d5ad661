// Each form of new in want of memory: what the handler is asked, and what is thrown and caught.
// As a program, and as a plugin, whose C++ run-time library is nobody else's (plugin_host.c).
// Usage: failed_new ralloc|libc, by whose malloc
#include <sys/resource.h>

#include <cstdint>
#include <cstring>
#include <new>

#include "operators/forms.h"
#include "support/process.h"

// ralloc's alone.
extern "C" [[gnu::weak]] std::size_t malloc_good_size(std::size_t size) noexcept;

namespace {

using ralloc_test::Form;
using ralloc_test::kForms;
using ralloc_test::kMiB;
using ralloc_test::opaque;

constexpr std::size_t kUnobtainable = std::size_t{1} << 46;
// The last come round when they are rounded up.
constexpr std::size_t kImpossible[] = {std::size_t{PTRDIFF_MAX}, SIZE_MAX - 15, SIZE_MAX};

int handler_calls = 0;

void give_up_at_the_third_call() {
  if (++handler_calls == 3) std::set_new_handler(nullptr);
}

struct Thrown : std::bad_alloc {};

void throw_own() {
  ++handler_calls;
  throw Thrown();
}

// What the form must do that gets no memory; by the handler, if it throws.
void require_failure(const Form& form, std::size_t size, std::new_handler handler) {
  handler_calls = 0;
  std::set_new_handler(handler);
  bool is_caught = false;
  bool is_own = false;
  void* block = nullptr;
  try {
    block = form.allocate(opaque(size));
  } catch (const Thrown&) {
    is_caught = is_own = true;
  } catch (const std::bad_alloc&) {
    is_caught = true;
  }
  std::set_new_handler(nullptr);
  REQUIRE(block == nullptr);
  REQUIRE(is_caught == form.throws);
  REQUIRE(is_own == (form.throws && handler == throw_own));
}

void all_forms_fail() {
  for (const Form& form : kForms) {
    require_failure(form, kUnobtainable, nullptr);
    REQUIRE(handler_calls == 0);
    require_failure(form, kUnobtainable, give_up_at_the_third_call);
    REQUIRE(handler_calls == 3);
    require_failure(form, kUnobtainable, throw_own);
    REQUIRE(handler_calls == 1);
  }
}

// The aligned forms of libstdc++ 12 would give a block of a few bytes.
void all_forms_refuse_what_cannot_be() {
  for (const Form& form : kForms) {
    for (const std::size_t size : kImpossible) require_failure(form, size, nullptr);
  }
}

// A program at a fixed address, which takes addresses of operators, has jumps to them there. The
// other forms take these for operators of its own.
void operators_have_addresses() {
  const auto allocate = opaque(static_cast<void* (*)(std::size_t)>(::operator new));
  const auto allocate_array = opaque(static_cast<void* (*)(std::size_t)>(::operator new[]));
  const auto free_block = opaque(static_cast<void (*)(void*)>(::operator delete));
  const auto free_array = opaque(static_cast<void (*)(void*)>(::operator delete[]));
  free_block(allocate(10));
  free_array(allocate_array(10));
}

// --- A handler that makes room ---------------------------------------------------------------------
constexpr std::size_t kSize = 512 * kMiB;
rlimit limit_before;

void lift_limit() {
  ++handler_calls;
  setrlimit(RLIMIT_AS, &limit_before);
}

// No block of that size can be had any more, but for those that the allocator has room for already.
void limit_addresses() {
  REQUIRE(getrlimit(RLIMIT_AS, &limit_before) == 0);
  rlimit tight = limit_before;
  tight.rlim_cur = ralloc_test::address_space_bytes() + 16 * kMiB;
  REQUIRE(setrlimit(RLIMIT_AS, &tight) == 0);
}

void all_forms_try_again() {
  void* blocks[64];
  std::size_t count = 0;
  for (const Form& form : kForms) {
    limit_addresses();
    for (void* block; (block = std::malloc(opaque(kSize))) != nullptr;) {
      REQUIRE(count < 64);
      blocks[count++] = block;
    }
    handler_calls = 0;
    std::set_new_handler(lift_limit);
    char* const block = static_cast<char*>(form.allocate(opaque(kSize)));
    std::set_new_handler(nullptr);
    REQUIRE(handler_calls == 1);
    REQUIRE(block != nullptr);
    block[kSize - 1] = 1;
    form.deletes[1](block, kSize);
  }
  while (count != 0) std::free(blocks[--count]);
}

}  // namespace

extern "C" int run(const char* whose) {
  const bool is_ralloc = std::strcmp(whose, "ralloc") == 0;
  REQUIRE((malloc_good_size != nullptr) == is_ralloc);
  operators_have_addresses();
  all_forms_fail();
  if (is_ralloc) all_forms_refuse_what_cannot_be();
  all_forms_try_again();
  return 0;
}

int main(int argc, char** argv) { return argc == 2 ? run(argv[1]) : 2; }
