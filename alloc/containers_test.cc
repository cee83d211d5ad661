// The allocator and the memory resource, alone and under the standard's containers.
#include "ralloc/containers.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <list>
#include <map>
#include <memory_resource>
#include <new>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ralloc/ralloc.h"
#include "tests/support/build.h"
#include "tests/support/process.h"
#include "tests/support/threads.h"

namespace {

using ralloc_test::opaque;

template <class T>
using Vector = std::vector<T, ralloc::allocator<T>>;
using String = std::basic_string<char, std::char_traits<char>, ralloc::allocator<char>>;

struct alignas(256) Aligned {
  char bytes[256];
};
struct alignas(1 << 17) Huge {
  char bytes[1 << 17];
};
struct Odd {
  char bytes[24];
};

template <class T>
bool is_aligned(const T* p) {
  return reinterpret_cast<std::uintptr_t>(p) % alignof(T) == 0;
}

using Traits = std::allocator_traits<ralloc::allocator<int>>;
static_assert(Traits::is_always_equal::value);
static_assert(Traits::propagate_on_container_move_assignment::value);
static_assert(std::is_same_v<Traits::rebind_alloc<long>, ralloc::allocator<long>>);
static_assert(std::is_empty_v<ralloc::allocator<int>>);
static_assert(!std::is_copy_constructible_v<ralloc::MemoryResource>);

TEST(ContainerAllocatorTest, GivesAlignedMemory) {
  for (const std::size_t n : {0, 1, 3, 100, 5000}) {
    ralloc::allocator<Aligned> aligned;
    Aligned* first = aligned.allocate(n);
    EXPECT_TRUE(is_aligned(first));
    for (std::size_t i = 0; i < n; ++i) first[i].bytes[255] = 1;
    aligned.deallocate(first, n);
  }
  // Pages of the allocator are half as large.
  std::vector<Huge*> huge;
  std::vector<Vector<char>> odd;
  for (int i = 0; i < 8; ++i) {
    huge.push_back(ralloc::allocator<Huge>().allocate(1));
    EXPECT_TRUE(is_aligned(huge.back()));
    odd.emplace_back(65536);
  }
  for (Huge* first : huge) ralloc::allocator<Huge>().deallocate(first, 1);
}

TEST(ContainerAllocatorTest, IsEqualToEveryOther) {
  const ralloc::allocator<int> ints;
  const ralloc::allocator<long> longs(ints);
  EXPECT_TRUE(ints == longs);
  EXPECT_FALSE(ints != longs);
}

TEST(ContainerAllocatorTest, FreesWhatAnotherAllocated) {
  int* first = ralloc::allocator<int>().allocate(10);
  ralloc_test::in_fresh_thread([first] { ralloc::allocator<int>().deallocate(first, 10); });
}

TEST(ContainerAllocatorTest, ThrowsAsTheStandardDemands) {
  ralloc::allocator<Odd> odd;
  EXPECT_THROW((void)odd.allocate(opaque(SIZE_MAX / 24 + 1)), std::bad_array_new_length);
  EXPECT_THROW((void)odd.allocate(opaque(SIZE_MAX / 24)), std::bad_alloc);
  EXPECT_THROW((void)odd.allocate(opaque(std::size_t{1} << 45)), std::bad_alloc);
  EXPECT_THROW((void)odd.allocate_at_least(opaque(SIZE_MAX)), std::bad_array_new_length);
  EXPECT_THROW((void)odd.allocate_at_least(opaque(SIZE_MAX / 24)), std::bad_alloc);
}

int handler_calls = 0;
TEST(ContainerAllocatorTest, AsksTheNewHandlerFirst) {
  std::set_new_handler([] {
    if (++handler_calls == 3) std::set_new_handler(nullptr);
  });
  EXPECT_THROW((void)ralloc::allocator<char>().allocate(opaque(std::size_t{1} << 47)),
               std::bad_alloc);
  EXPECT_EQ(handler_calls, 3);
}

// Every byte of them is the program's, and any number between may be freed: then all of the
// block is used again.
template <class T>
void expect_at_least(std::size_t n) {
  ralloc::allocator<T> allocator;
  const std::size_t count = allocator.allocate_at_least(0).count;
  ASSERT_EQ(count, 0u);
  const auto some = allocator.allocate_at_least(n);
  ASSERT_GE(some.count, n);
  std::memset(static_cast<void*>(some.ptr), 1, some.count * sizeof(T));
  allocator.deallocate(some.ptr, n);
  const auto more = allocator.allocate_at_least(n);
  ASSERT_EQ(more.count, some.count);
  const bool is_used_again_at_once = n * sizeof(T) <= 32768 && !ralloc_test::kSecureBuild;
  if (is_used_again_at_once) {
    ASSERT_EQ(more.ptr, some.ptr);
  }
  allocator.deallocate(more.ptr, n + (more.count - n) / 2);
  // What fits takes no larger block: a second request finds nothing to add.
  const auto all = allocator.allocate_at_least(more.count);
  ASSERT_EQ(all.count, more.count) << n << " of " << sizeof(T) << " bytes";
  if (is_used_again_at_once) {
    ASSERT_EQ(all.ptr, some.ptr);
  }
  allocator.deallocate(all.ptr, all.count);
}

TEST(ContainerAllocatorTest, GivesAtLeastWhatWasAskedFor) {
  for (std::size_t n = 1; n < 3000; n += 1 + n / 50) {
    expect_at_least<char>(n);
    expect_at_least<int>(n);
    expect_at_least<Odd>(n);
    expect_at_least<Aligned>(n);
  }
  ralloc::allocator<char> chars;
  const auto some = chars.allocate_at_least(1025);
  EXPECT_EQ(some.count, ralloc::good_size(1025));
  chars.deallocate(some.ptr, some.count);
}

// containers.h computes the small ones itself.
TEST(ContainerAllocatorTest, KnowsTheSizesOfSmallBlocks) {
  for (std::size_t size = 1; size <= 1024; ++size) {
    ASSERT_EQ(ralloc::good_size(size), (size + 15) / 16 * 16);
    const auto some = ralloc::allocator<char>().allocate_at_least(size);
    EXPECT_EQ(some.count, ralloc::good_size(size));
    ralloc::allocator<char>().deallocate(some.ptr, size);
  }
}

TEST(ContainerAllocatorTest, ServesContainers) {
  Vector<int> numbers;
  Vector<Aligned> aligned;
  String text;
  std::list<Odd, ralloc::allocator<Odd>> list;
  std::map<int, String, std::less<int>, ralloc::allocator<std::pair<const int, String>>> map;
  for (int i = 0; i < 5000; ++i) {
    numbers.push_back(i);
    text += char('a' + i % 26);
    list.push_back({});
    map[i % 1000].assign(std::size_t(i % 100), 'x');
    if (i % 50 == 0) aligned.emplace_back();
  }
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(numbers[std::size_t(i)], i);
  EXPECT_TRUE(is_aligned(aligned.data()));
  EXPECT_EQ(text.substr(4990, 10), "yzabcdefgh");
  EXPECT_EQ(map[999].size(), 99u);
  Vector<int> moved = std::move(numbers);
  numbers = moved;
  EXPECT_EQ(numbers.size(), 5000u);
  moved.shrink_to_fit();
}

TEST(MemoryResourceTest, GivesAlignedMemory) {
  for (const std::size_t size : {0, 1, 100, 5000, 100'000}) {
    for (std::size_t align = 1; align <= 65536; align *= 2) {
      void* p = ralloc::resource()->allocate(size, align);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % align, 0u);
      std::memset(p, 1, size);
      ralloc::resource()->deallocate(p, size, align);
    }
  }
}

TEST(MemoryResourceTest, ServesContainers) {
  std::pmr::unordered_map<std::pmr::string, std::pmr::vector<int>> map(ralloc::resource());
  for (int i = 0; i < 5000; ++i) {
    const std::string name = "a name that is too long for the string itself " +
                             std::to_string(i % 100);
    map[std::pmr::string(name)].push_back(i);
  }
  EXPECT_EQ(map.size(), 100u);
  for (const auto& [name, numbers] : map) {
    EXPECT_EQ(numbers.size(), 50u);
    EXPECT_EQ(numbers.get_allocator().resource(), ralloc::resource());
  }
}

TEST(MemoryResourceTest, IsEqualToItselfAlone) {
  EXPECT_EQ(*ralloc::resource(), *ralloc::resource());
  EXPECT_NE(*ralloc::resource(), *std::pmr::new_delete_resource());
}

TEST(MemoryResourceTest, ThrowsWhereThereIsNoMemory) {
  EXPECT_THROW((void)ralloc::resource()->allocate(opaque(SIZE_MAX)), std::bad_alloc);
  EXPECT_THROW((void)ralloc::resource()->allocate(opaque(std::size_t{1} << 47)), std::bad_alloc);
}

// A static object's destructor may use it, whichever was made first.
struct LateUser {
  std::pmr::string text{ralloc::resource()};
  ~LateUser() { text.assign(1000, 'x'); }
};
LateUser late_user;
TEST(MemoryResourceTest, IsThereBeforeAndAfterMain) {
  EXPECT_EQ(late_user.text.get_allocator().resource(), ralloc::resource());
}

}  // namespace
