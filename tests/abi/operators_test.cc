// All 20 operators new and delete: blocks, alignments, handlers, exceptions.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <new>
#include <vector>

#include "abi/malloc_family.h"
#include "support/process.h"

namespace {

using ralloc_test::kMiB;
using ralloc_test::opaque;

constexpr std::size_t kUnobtainable = std::size_t{1} << 62;
constexpr auto kAlign = std::align_val_t(256);

// Each form of new, with all forms of delete that may take its block.
struct Form {
  const char* name;
  bool throws;
  std::size_t align;
  std::function<void*(std::size_t)> allocate;
  std::vector<std::function<void(void*, std::size_t)>> frees;
};

const std::vector<Form>& forms() {
  using Frees = std::vector<std::function<void(void*, std::size_t)>>;
  static const Frees plain = {
      [](void* p, std::size_t) { ::operator delete(p); },
      [](void* p, std::size_t n) { ::operator delete(p, n); },
      [](void* p, std::size_t) { ::operator delete(p, std::nothrow); },
  };
  static const Frees array = {
      [](void* p, std::size_t) { ::operator delete[](p); },
      [](void* p, std::size_t n) { ::operator delete[](p, n); },
      [](void* p, std::size_t) { ::operator delete[](p, std::nothrow); },
  };
  static const Frees aligned = {
      [](void* p, std::size_t) { ::operator delete(p, kAlign); },
      [](void* p, std::size_t n) { ::operator delete(p, n, kAlign); },
      [](void* p, std::size_t) { ::operator delete(p, kAlign, std::nothrow); },
  };
  static const Frees aligned_array = {
      [](void* p, std::size_t) { ::operator delete[](p, kAlign); },
      [](void* p, std::size_t n) { ::operator delete[](p, n, kAlign); },
      [](void* p, std::size_t) { ::operator delete[](p, kAlign, std::nothrow); },
  };
  static const std::vector<Form> all = {
      {"new", true, 16, [](std::size_t n) { return ::operator new(n); }, plain},
      {"new[]", true, 16, [](std::size_t n) { return ::operator new[](n); }, array},
      {"new nothrow", false, 16,
       [](std::size_t n) { return ::operator new(n, std::nothrow); }, plain},
      {"new[] nothrow", false, 16,
       [](std::size_t n) { return ::operator new[](n, std::nothrow); }, array},
      {"new aligned", true, 256, [](std::size_t n) { return ::operator new(n, kAlign); }, aligned},
      {"new[] aligned", true, 256,
       [](std::size_t n) { return ::operator new[](n, kAlign); }, aligned_array},
      {"new aligned nothrow", false, 256,
       [](std::size_t n) { return ::operator new(n, kAlign, std::nothrow); }, aligned},
      {"new[] aligned nothrow", false, 256,
       [](std::size_t n) { return ::operator new[](n, kAlign, std::nothrow); }, aligned_array},
  };
  return all;
}

// Sets a handler for the time of one test.
class HandlerScope {
 public:
  explicit HandlerScope(std::new_handler handler) : before_(std::set_new_handler(handler)) {}
  ~HandlerScope() { std::set_new_handler(before_); }

 private:
  std::new_handler before_;
};

int handler_calls = 0;

void give_up_after_three_calls() {
  if (++handler_calls == 3) std::set_new_handler(nullptr);
}

void throw_bad_alloc() {
  ++handler_calls;
  throw std::bad_alloc();
}

class OperatorsTest : public testing::Test {
 protected:
  void SetUp() override { handler_calls = 0; }
};

TEST_F(OperatorsTest, EachNewGivesAlignedDistinctBlocksThatEachDeleteTakes) {
  for (const Form& form : forms()) {
    for (const auto& free_block : form.frees) {
      for (const std::size_t size : {0, 1, 24, 1000, 5000, 32768, 100000, 3000000}) {
        SCOPED_TRACE(testing::Message() << form.name << ' ' << size);
        void* block = form.allocate(size);
        void* other = form.allocate(size);
        ASSERT_TRUE(block != nullptr && other != nullptr && block != other);
        ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block) % form.align, 0u);
        std::memset(block, 1, size);
        std::memset(other, 2, size);
        errno = 4711;
        free_block(block, size);
        free_block(other, size);
        free_block(nullptr, size);
        EXPECT_EQ(errno, 4711);
      }
    }
  }
}

TEST_F(OperatorsTest, DeletesGiveTheMemoryBack) {
  const std::size_t before = ralloc_test::resident_bytes();
  for (int i = 0; i < 20; ++i) {
    for (const Form& form : forms()) {
      for (const auto& free_block : form.frees) {
        void* block = form.allocate(4 * kMiB);
        ASSERT_NE(block, nullptr);
        std::memset(block, 1, 4 * kMiB);
        free_block(block, 4 * kMiB);
      }
    }
  }
  EXPECT_LT(ralloc_test::resident_bytes(), before + 40 * kMiB);
}

TEST_F(OperatorsTest, FailureThrowsBadAllocOrGivesNull) {
  for (const std::size_t size :
       {kUnobtainable, std::size_t{PTRDIFF_MAX}, SIZE_MAX - 15, SIZE_MAX}) {
    for (const Form& form : forms()) {
      SCOPED_TRACE(testing::Message() << form.name << ' ' << size);
      if (form.throws) {
        EXPECT_THROW(form.allocate(opaque(size)), std::bad_alloc);
      } else {
        EXPECT_EQ(form.allocate(opaque(size)), nullptr);
      }
    }
  }
}

TEST_F(OperatorsTest, TheHandlerIsCalledUntilThereIsNone) {
  for (const Form& form : forms()) {
    SCOPED_TRACE(form.name);
    handler_calls = 0;
    HandlerScope scope(give_up_after_three_calls);
    if (form.throws) {
      EXPECT_THROW(form.allocate(opaque(kUnobtainable)), std::bad_alloc);
    } else {
      EXPECT_EQ(form.allocate(opaque(kUnobtainable)), nullptr);
    }
    EXPECT_EQ(handler_calls, 3);
  }
}

TEST_F(OperatorsTest, WhatTheHandlerThrowsLeavesNewOrMakesItNull) {
  HandlerScope scope(throw_bad_alloc);
  for (const Form& form : forms()) {
    SCOPED_TRACE(form.name);
    handler_calls = 0;
    if (form.throws) {
      EXPECT_THROW(form.allocate(opaque(kUnobtainable)), std::bad_alloc);
    } else {
      EXPECT_EQ(form.allocate(opaque(kUnobtainable)), nullptr);
    }
    EXPECT_EQ(handler_calls, 1);
  }
}

// malloc must fail without it: handlers are for C++ alone.
TEST_F(OperatorsTest, MallocDoesNotCallTheHandler) {
  HandlerScope scope(throw_bad_alloc);
  EXPECT_EQ(malloc(opaque(kUnobtainable)), nullptr);
  EXPECT_EQ(memalign(64, opaque(kUnobtainable)), nullptr);
  EXPECT_EQ(handler_calls, 0);
}

rlimit address_space_before;

void lift_address_space_limit() {
  ++handler_calls;
  setrlimit(RLIMIT_AS, &address_space_before);
}

TEST_F(OperatorsTest, NewTriesAgainAfterTheHandlerMadeRoom) {
  HandlerScope scope(lift_address_space_limit);
  constexpr std::size_t kSize = 512 * kMiB;
  std::vector<void*> blocks;
  for (const Form& form : forms()) {
    SCOPED_TRACE(form.name);
    handler_calls = 0;
    ASSERT_EQ(getrlimit(RLIMIT_AS, &address_space_before), 0);
    rlimit tight = address_space_before;
    tight.rlim_cur = ralloc_test::address_space_bytes() + 16 * kMiB;
    ASSERT_EQ(setrlimit(RLIMIT_AS, &tight), 0);
    // First use up the addresses that the allocator has reserved already.
    while (void* block = malloc(kSize)) blocks.push_back(block);
    void* block = form.allocate(kSize);
    setrlimit(RLIMIT_AS, &address_space_before);
    EXPECT_EQ(handler_calls, 1);
    ASSERT_NE(block, nullptr);
    static_cast<char*>(block)[kSize - 1] = 1;
    form.frees[0](block, kSize);
  }
  for (void* block : blocks) free(block);
}

struct alignas(128) Wide {
  explicit Wide(int v) : value(v) {}
  int value;
  char rest[200] = {};
};

TEST_F(OperatorsTest, NewExpressionsOfOverAlignedTypesWork) {
  std::vector<Wide*> singles;
  for (int i = 0; i < 1000; ++i) singles.push_back(new Wide(i));
  auto* array = opaque(new Wide[3]{Wide(1), Wide(2), Wide(3)});
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(array) % 128, 0u);
  EXPECT_EQ(array[2].value, 3);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(singles[std::size_t(i)]) % 128, 0u);
    ASSERT_EQ(singles[std::size_t(i)]->value, i);
    delete singles[std::size_t(i)];
  }
  delete[] array;
}

TEST_F(OperatorsTest, BlocksMayBeSizedByUsableSize) {
  for (const std::size_t size : {0, 1, 100, 5000, 100000}) {
    void* block = ::operator new(size);
    const std::size_t usable = malloc_usable_size(block);
    EXPECT_GE(usable, size);
    std::memset(block, 3, usable);
    ::operator delete(block);
  }
}

}  // namespace
