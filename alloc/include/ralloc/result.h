// A value, or why there is none: what the functions give that may fail.
//
// Thread safety: as any value: one thread, or several that only read.
// Invariants: a Result has a value or an error, never neither; a move leaves it what it was,
// with a value that was moved from.
//
// Clang's -Wconsumed refuses to compile the use of a value that was not asked for before, as in
// `Result<Block> r = ...; r->data();`: ask with `if (r)` or `if (!r) return`. (It understands
// `if`, but not `?:`, nor the conditions of loops, and does not follow members.)
#pragma once

#include <concepts>
#include <new>
#include <type_traits>
#include <utility>

#include "ralloc/language.h"

namespace ralloc {

/// Why there is no memory.
enum class AllocError {
  kExhausted,   // not now: out of memory, of address space, or over a limit of the process
  kImpossible,  // never: a size or alignment over PTRDIFF_MAX
};

namespace detail {

// Prints that the result has no value, and aborts.
[[noreturn]] void die_without_value(const void* result) noexcept;

// std::expected, or what has its shape, of this value and AllocError.
template <class Expected, class T>
concept ExpectedLike = requires {
  typename Expected::unexpected_type;
  requires std::same_as<typename Expected::value_type, T>;
  requires std::same_as<typename Expected::error_type, AllocError>;
};

}  // namespace detail

/// A `T` or an AllocError; a small std::expected for C++20. It converts to
/// std::expected<T, AllocError> where the library has that. `T` may be a type that can only be
/// moved.
///
/// \code
/// ralloc::Result<ralloc::Block> result = ralloc::Block::try_alloc(1000);
/// if (!result) {
///   std::printf("%s\n", result.error() == ralloc::AllocError::kExhausted ? "full" : "never");
///   return;
/// }
/// ralloc::Block block = std::move(result).value();
/// assert(block.size() == 1000);
/// \endcode
template <class T>
class [[nodiscard]] RALLOC_CONSUMABLE(unknown) Result {
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>);

 public:
  using value_type = T;
  using error_type = AllocError;

  /// One with a value.
  Result(T value) noexcept RALLOC_RETURN_TYPESTATE(unconsumed)
      : value_(std::move(value)), has_value_(true) {}
  /// One with an error.
  Result(AllocError error) noexcept RALLOC_RETURN_TYPESTATE(consumed)
      : error_(error), has_value_(false) {}

  Result(Result&& other) noexcept : has_value_(other.has_value_) {
    if (has_value_) {
      ::new (static_cast<void*>(&value_)) T(std::move(other.value_));
    } else {
      error_ = other.error_;
    }
  }
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;
  ~Result() {
    if (has_value_) value_.~T();
  }

  /// Whether there is a value.
  [[nodiscard]] bool has_value() const noexcept RALLOC_TEST_TYPESTATE(unconsumed) {
    return has_value_;
  }
  [[nodiscard]] explicit operator bool() const noexcept RALLOC_TEST_TYPESTATE(unconsumed) {
    return has_value_;
  }

  /// The value. To ask for it where there is none is fatal, and with -Wconsumed does not compile.
  [[nodiscard]] T& value() & noexcept RALLOC_CALLABLE_WHEN("unconsumed") { return checked(); }
  [[nodiscard]] const T& value() const& noexcept RALLOC_CALLABLE_WHEN("unconsumed") {
    return checked();
  }
  [[nodiscard]] T& operator*() & noexcept RALLOC_CALLABLE_WHEN("unconsumed") { return checked(); }
  [[nodiscard]] const T& operator*() const& noexcept RALLOC_CALLABLE_WHEN("unconsumed") {
    return checked();
  }
  [[nodiscard]] T* operator->() noexcept RALLOC_CALLABLE_WHEN("unconsumed") { return &checked(); }
  [[nodiscard]] const T* operator->() const noexcept RALLOC_CALLABLE_WHEN("unconsumed") {
    return &checked();
  }
  /// The value, moved out.
  [[nodiscard]] T value() && noexcept RALLOC_CALLABLE_WHEN("unconsumed")
      RALLOC_SET_TYPESTATE(consumed) {
    return std::move(checked());
  }
  [[nodiscard]] T operator*() && noexcept RALLOC_CALLABLE_WHEN("unconsumed")
      RALLOC_SET_TYPESTATE(consumed) {
    return std::move(checked());
  }

  /// The value, moved out, or `other` if there is none.
  ///
  /// \code
  /// ralloc::Block small = ralloc::Block::alloc(16);
  /// ralloc::Block block = ralloc::Block::try_alloc(1000).value_or(std::move(small));
  /// assert(block.size() == 1000);
  /// \endcode
  [[nodiscard]] T value_or(T other) && noexcept {
    return has_value_ ? std::move(value_) : std::move(other);
  }

  /// Why there is no value. Only for a result that has none.
  [[nodiscard]] AllocError error() const noexcept RALLOC_CALLABLE_WHEN("consumed", "unknown") {
    return has_value_ ? AllocError{} : error_;
  }

  /// To std::expected<T, AllocError>, or to a type of the same shape.
  template <detail::ExpectedLike<T> Expected>
  [[nodiscard]] operator Expected() && noexcept {
    if (has_value_) return Expected(std::move(value_));
    return Expected(typename Expected::unexpected_type(error_));
  }

 private:
  T& checked() noexcept {
    if (!has_value_) [[unlikely]] detail::die_without_value(this);
    return value_;
  }
  const T& checked() const noexcept { return const_cast<Result*>(this)->checked(); }

  union {
    T value_;
    AllocError error_;
  };
  bool has_value_;
};

/// Done, or an AllocError.
///
/// \code
/// ralloc::Block block = ralloc::Block::alloc(1000);
/// if (ralloc::Result<void> done = block.try_resize(2000); !done) {
///   assert(block.size() == 1000);
/// }
/// \endcode
template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  using error_type = AllocError;

  Result() noexcept = default;
  Result(AllocError error) noexcept : error_(error), has_value_(false) {}

  /// Whether it is done.
  [[nodiscard]] bool has_value() const noexcept { return has_value_; }
  [[nodiscard]] explicit operator bool() const noexcept { return has_value_; }

  /// Why not. Only for a result that is an error.
  [[nodiscard]] AllocError error() const noexcept { return error_; }

  /// To std::expected<void, AllocError>, or to a type of the same shape.
  template <detail::ExpectedLike<void> Expected>
  [[nodiscard]] operator Expected() const noexcept {
    if (has_value_) return Expected();
    return Expected(typename Expected::unexpected_type(error_));
  }

 private:
  AllocError error_{};
  bool has_value_ = true;
};

}  // namespace ralloc
