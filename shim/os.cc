// The platform as it is: every call goes to the kernel.
#include "shim/os.h"

#include "shim/os_linux.h"

namespace ralloc::os {

std::size_t page_size() noexcept { return Linux::page_size(); }
unsigned cpu_count() noexcept { return Linux::cpu_count(); }
std::size_t address_space_limit() noexcept { return Linux::address_space_limit(); }
const char* const* environment() noexcept { return Linux::environment(); }
bool is_privileged() noexcept { return Linux::is_privileged(); }
std::uint64_t now_ms() noexcept { return Linux::now_ms(); }
void* reserve(std::size_t bytes, std::size_t align, void* hint) noexcept {
  return Linux::reserve(bytes, align, hint);
}
void* reserve_zeros(std::size_t bytes) noexcept { return Linux::reserve_zeros(bytes); }
bool commit(void* begin, std::size_t bytes) noexcept { return Linux::commit(begin, bytes); }
bool purge(void* begin, std::size_t bytes) noexcept { return Linux::purge(begin, bytes); }
void release(void* begin, std::size_t bytes) noexcept { Linux::release(begin, bytes); }
Moved move_pages(void* from, std::size_t bytes, void* to, std::size_t to_bytes) noexcept {
  return Linux::move_pages(from, bytes, to, to_bytes);
}
void write_error(const char* text, std::size_t size) noexcept { Linux::write_error(text, size); }
void abort() noexcept { std::abort(); }
void wait(const std::atomic<std::uint32_t>& word, std::uint32_t value) noexcept {
  Linux::wait(word, value);
}
void wake_one(const std::atomic<std::uint32_t>& word) noexcept { Linux::wake_one(word); }
void* map_wiped_on_fork(std::size_t bytes) noexcept { return Linux::map_wiped_on_fork(bytes); }

}  // namespace ralloc::os
