// The platforms that conformance is tested of: all that this system can compile, and the functions
// of os.h, which must be those of one of them.
//
// Thread safety: each test has its own memory.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "shim/chosen_platform.h"
#include "shim/os.h"
#include "tests/support/memory_access.h"

#if defined(_WIN32)
#include "shim/windows.h"
#else
#include "shim/linux.h"
#include "shim/posix.h"
#endif

namespace ralloc_test {

namespace os = ralloc::os;

// os.h as a platform. The allocator does not ask for what is not overridden.
struct OsFunctions : os::Chosen {
  static std::size_t page_size() noexcept { return os::page_size(); }
  static unsigned cpu_count() noexcept { return os::cpu_count(); }
  static std::size_t address_space_limit() noexcept { return os::address_space_limit(); }
  static const char* const* environment() noexcept { return os::environment(); }
  static bool is_privileged() noexcept { return os::is_privileged(); }
  static std::uint64_t now_ms() noexcept { return os::now_ms(); }
  static bool fill_random(void* buffer, std::size_t bytes) noexcept {
    return os::fill_random(buffer, bytes);
  }
  static void* reserve(std::size_t bytes, std::size_t align, void* hint) noexcept {
    return os::reserve(bytes, align, hint);
  }
  static bool reserve_at(void* begin, std::size_t bytes) noexcept {
    return os::reserve_at(begin, bytes);
  }
  static bool extend(void* begin, std::size_t bytes, std::size_t more) noexcept {
    return os::extend(begin, bytes, more);
  }
  static void* reserve_zeros(std::size_t bytes) noexcept { return os::reserve_zeros(bytes); }
  static bool commit(void* begin, std::size_t bytes) noexcept { return os::commit(begin, bytes); }
  static bool purge(void* begin, std::size_t bytes) noexcept { return os::purge(begin, bytes); }
  static bool close(void* begin, std::size_t bytes) noexcept { return os::close(begin, bytes); }
  static void release(void* begin, std::size_t bytes) noexcept { os::release(begin, bytes); }
  static os::Moved move_pages(void* from, std::size_t bytes, void* to,
                              std::size_t to_bytes) noexcept {
    return os::move_pages(from, bytes, to, to_bytes);
  }
  static std::uintptr_t program_break() noexcept { return os::program_break(); }
  static bool move_break_to(std::uintptr_t from, std::uintptr_t to) noexcept {
    return os::move_break_to(from, to);
  }
  static bool at_thread_exit(void (*hook)(void*), void* value) noexcept {
    return os::at_thread_exit(hook, value);
  }
  static void wait(const std::atomic<std::uint32_t>& word, std::uint32_t value) noexcept {
    os::wait(word, value);
  }
  static void wake_one(const std::atomic<std::uint32_t>& word) noexcept { os::wake_one(word); }
  static void* map_wiped_on_fork(std::size_t bytes) noexcept {
    return os::map_wiped_on_fork(bytes);
  }
  static bool at_fork_in_child(void (*hook)()) noexcept { return os::at_fork_in_child(hook); }
  static bool write(int descriptor, const char* text, std::size_t size) noexcept {
    return os::write(descriptor, text, size);
  }
  [[noreturn]] static void abort() noexcept { os::abort(); }
};
static_assert(os::Platform<OsFunctions>);

#if defined(_WIN32)
using Platforms = testing::Types<os::Windows, OsFunctions>;
#else
using Platforms = testing::Types<os::LinuxOn<os::KernelCalls>, os::LinuxOn<os::InterceptedCalls>,
                                 os::Posix, OsFunctions>;
#endif

struct PlatformNames {
  template <class P>
  static std::string GetName(int) {
#if defined(_WIN32)
    if (std::is_same_v<P, os::Windows>) return "Windows";
#else
    if (std::is_same_v<P, os::LinuxOn<os::KernelCalls>>) return "Linux";
    if (std::is_same_v<P, os::LinuxOn<os::InterceptedCalls>>) return "LinuxByLibc";
    if (std::is_same_v<P, os::Posix>) return "Posix";
#endif
    return "OsFunctions";
  }
};

// Some pages of address space, committed if asked.
template <class P>
class Pages {
 public:
  explicit Pages(std::size_t count, bool committed = true)
      : bytes_(count * P::page_size()),
        begin_(static_cast<char*>(P::reserve(bytes_, P::page_size(), nullptr))) {
    EXPECT_NE(begin_, nullptr);
    EXPECT_TRUE(!committed || P::commit(begin_, bytes_));
  }
  ~Pages() { P::release(begin_, bytes_); }
  Pages(const Pages&) = delete;
  char* at(std::size_t page) const { return begin_ + page * P::page_size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  const std::size_t bytes_;
  char* const begin_;
};

}  // namespace ralloc_test
