// Standard containers from ralloc: every block is freed with its size and has the alignment of
// its type, also where that is larger than the default.
//
// Thread safety: any thread at any time; containers themselves are as thread-safe as ever.
// Failure: std::bad_alloc, after the new-handlers, as from operator new. No OOM handler is called.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>
#include <type_traits>

#include "ralloc/functions.h"
#include "ralloc/language.h"

namespace ralloc {

namespace detail {

// As operator new: null is answered by the program's new-handler, until there is none.
inline void* alloc_or_throw(std::size_t size, std::size_t align) {
  for (;;) {
    void* ptr = ralloc::try_alloc(size, align);
    if (ptr != nullptr) [[likely]] return ptr;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) RALLOC_THROW(std::bad_alloc());
    handler();
  }
}

}  // namespace detail

/// The allocator of standard containers. All are equal: what one allocates, any other frees.
///
/// \code
/// std::vector<int, ralloc::allocator<int>> numbers;
/// for (int i = 0; i < 1000; ++i) numbers.push_back(i);
/// assert(numbers.size() == 1000 && numbers.back() == 999);
/// \endcode
template <class T>
class allocator {
 public:
  using value_type = T;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using propagate_on_container_move_assignment = std::true_type;
  using is_always_equal = std::true_type;

  constexpr allocator() noexcept = default;
  template <class U>
  constexpr allocator(const allocator<U>&) noexcept {}

  /// Memory for `n` of them.
  /// Throws std::bad_array_new_length if their size is no std::size_t, else std::bad_alloc.
  ///
  /// \code
  /// ralloc::allocator<double> doubles;
  /// double* first = doubles.allocate(10);
  /// doubles.deallocate(first, 10);
  /// \endcode
  [[nodiscard]] T* allocate(size_type n) {
    if (n > SIZE_MAX / sizeof(T)) [[unlikely]] RALLOC_THROW(std::bad_array_new_length());
    return static_cast<T*>(detail::alloc_or_throw(count_for(n) * sizeof(T), kAlign));
  }

  /// Memory for `n` of them or more: as many as the block holds that `n` get anyway.
  ///
  /// \code
  /// ralloc::allocator<char> chars;
  /// auto [first, count] = chars.allocate_at_least(1000);
  /// assert(count >= 1000);
  /// chars.deallocate(first, count);
  /// \endcode
  [[nodiscard]] allocation_result<T*, size_type> allocate_at_least(size_type n) {
    return {allocate(n), n > SIZE_MAX / sizeof(T) ? n : count_for(n)};
  }

  /// Frees what `allocate(n)` gave, or `allocate_at_least(m)` with m <= n <= its count.
  ///
  /// \code
  /// ralloc::allocator<long> longs;
  /// long* first = longs.allocate(3);
  /// longs.deallocate(first, 3);
  /// \endcode
  void deallocate(T* first, size_type n) noexcept {
    ralloc::free(first, count_for(n) * sizeof(T));
  }

  template <class U>
  friend constexpr bool operator==(const allocator&, const allocator<U>&) noexcept {
    return true;
  }

 private:
  static constexpr std::size_t kAlign =
      alignof(T) > kDefaultAlignment ? alignof(T) : kDefaultAlignment;

  // How many fill the block that n get: the same for each number between, so that whoever frees
  // may name any of them. n itself where there can be no such block.
  static size_type count_for(size_type n) noexcept {
    constexpr std::size_t kGrain = 16;  // up to kFine, blocks are that far apart
    constexpr std::size_t kFine = 1024;
    const std::size_t size = n * sizeof(T);
    if (size <= kFine) return (size + kGrain - 1) / kGrain * kGrain / sizeof(T);
    const std::size_t good = good_size(size);
    return good > size ? good / sizeof(T) : n;
  }
};

/// ralloc as a memory resource, for `std::pmr`. There is one: `resource()`.
///
/// \code
/// const ralloc::MemoryResource* ralloc_itself = ralloc::resource();
/// assert(ralloc_itself->is_equal(*ralloc::resource()));
/// \endcode
class MemoryResource final : public std::pmr::memory_resource {
 public:
  MemoryResource(const MemoryResource&) = delete;
  MemoryResource& operator=(const MemoryResource&) = delete;

 private:
  friend MemoryResource* resource() noexcept;
  constexpr MemoryResource() noexcept = default;

  void* do_allocate(std::size_t size, std::size_t align) override {
    const std::size_t at_least_default = align > kDefaultAlignment ? align : kDefaultAlignment;
    return detail::alloc_or_throw(size, at_least_default);
  }
  void do_deallocate(void* ptr, std::size_t size, std::size_t) override {
    ralloc::free(ptr, size);
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }
};

/// The memory resource. It is there before the first constructor of a static object runs, and
/// is never destroyed.
///
/// \code
/// std::pmr::vector<std::pmr::string> words(ralloc::resource());
/// words.emplace_back("a string that is too long to be kept in the string itself");
/// assert(words.front().get_allocator().resource() == ralloc::resource());
/// \endcode
[[nodiscard, gnu::returns_nonnull]] inline MemoryResource* resource() noexcept {
  union Kept {
    MemoryResource resource;
    constexpr Kept() noexcept : resource() {}
    ~Kept() {}
  };
  static constinit Kept kept;
  return &kept.resource;
}

}  // namespace ralloc
