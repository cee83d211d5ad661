// The functions of os.h are those of the platform that was chosen.
#include "shim/os.h"

#include "shim/chosen_platform.h"

namespace ralloc::os {

std::size_t page_size() noexcept { return Chosen::page_size(); }
unsigned cpu_count() noexcept { return Chosen::cpu_count(); }
std::size_t address_space_limit() noexcept { return Chosen::address_space_limit(); }
const char* const* environment() noexcept { return Chosen::environment(); }
bool is_privileged() noexcept { return Chosen::is_privileged(); }
std::uint64_t now_ms() noexcept { return Chosen::now_ms(); }
bool fill_random(void* buffer, std::size_t bytes) noexcept {
  return Chosen::fill_random(buffer, bytes);
}
void* reserve(std::size_t bytes, std::size_t align, void* hint) noexcept {
  return Chosen::reserve(bytes, align, hint);
}
bool reserve_at(void* begin, std::size_t bytes) noexcept {
  return Chosen::reserve_at(begin, bytes);
}
bool extend(void* begin, std::size_t bytes, std::size_t more) noexcept {
  return Chosen::extend(begin, bytes, more);
}
void* reserve_zeros(std::size_t bytes) noexcept { return Chosen::reserve_zeros(bytes); }
bool commit(void* begin, std::size_t bytes) noexcept { return Chosen::commit(begin, bytes); }
bool purge(void* begin, std::size_t bytes) noexcept { return Chosen::purge(begin, bytes); }
bool close(void* begin, std::size_t bytes) noexcept { return Chosen::close(begin, bytes); }
void release(void* begin, std::size_t bytes) noexcept { Chosen::release(begin, bytes); }
Moved move_pages(void* from, std::size_t bytes, void* to, std::size_t to_bytes) noexcept {
  return Chosen::move_pages(from, bytes, to, to_bytes);
}
std::uintptr_t program_break() noexcept { return Chosen::program_break(); }
bool move_break_to(std::uintptr_t from, std::uintptr_t to) noexcept {
  return Chosen::move_break_to(from, to);
}
bool at_thread_exit(void (*hook)(void*), void* value) noexcept {
  return Chosen::at_thread_exit(hook, value);
}
void wait(const std::atomic<std::uint32_t>& word, std::uint32_t value) noexcept {
  Chosen::wait(word, value);
}
void wake_one(const std::atomic<std::uint32_t>& word) noexcept { Chosen::wake_one(word); }
void* map_wiped_on_fork(std::size_t bytes) noexcept { return Chosen::map_wiped_on_fork(bytes); }
bool at_fork_in_child(void (*hook)()) noexcept { return Chosen::at_fork_in_child(hook); }
bool write(int descriptor, const char* text, std::size_t size) noexcept {
  return Chosen::write(descriptor, text, size);
}
void write_error(const char* text, std::size_t size) noexcept { (void)write(2, text, size); }
void abort() noexcept { Chosen::abort(); }

}  // namespace ralloc::os
