// What the allocator asks of the platform, and nothing else: the operations of platform.h, which
// says all of each, as functions of the platform that was chosen.
//
// Thread safety: every function may be called from any thread. None takes a lock of ours, and
// none allocates unless it says so. Addresses and sizes are multiples of page_size() unless said
// otherwise; errors are returned, and errno stays.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "shim/annotations.h"
#include "shim/platform.h"

namespace ralloc::os {

// The kernel's page, in bytes; constant while the process lives.
std::size_t page_size() noexcept;
// Cores this process may use; at least 1.
unsigned cpu_count() noexcept;
// Limit on the address space of the process in bytes (ulimit -v); SIZE_MAX without one.
std::size_t address_space_limit() noexcept;
// The process's environment, NAME=VALUE each and null at the end; null while libc has it not.
const char* const* environment() noexcept;
// Whether the process has rights that who started it may not have (setuid, file capabilities),
// so that its environment is not to be trusted.
bool is_privileged() noexcept;
// Monotonic milliseconds, a few milliseconds coarse.
std::uint64_t now_ms() noexcept;
// Any number of bytes that nobody can predict; false, and weaker bytes, if the system has none.
bool fill_random(void* buffer, std::size_t bytes) noexcept;

// Reserves address space at a multiple of `align`, without backing: neither readable nor
// writable. Null on failure. `hint` is where it would be welcome, or null.
void* reserve(std::size_t bytes, std::size_t align, void* hint) noexcept;
// Reserves just these addresses, where a reservation of ours ends. False, and nothing has
// changed, if they are not free.
[[nodiscard]] bool reserve_at(void* begin, std::size_t bytes) noexcept;
// Lengthens committed memory, all of a reservation, by so many bytes of free addresses, which are
// committed and read as zeros. False, and nothing has changed, if that cannot be.
[[nodiscard]] bool extend(void* begin, std::size_t bytes, std::size_t more) noexcept;
// As reserve, but readable as zeros at once.
void* reserve_zeros(std::size_t bytes) noexcept;
// Makes reserved memory readable and writable; it reads as zeros. False on failure.
[[nodiscard]] bool commit(void* begin, std::size_t bytes) noexcept;
// Gives the backing back and keeps the addresses, still committed. True if it reads as
// zeros from now on; false if it kept its contents (locked memory, say).
[[nodiscard]] bool purge(void* begin, std::size_t bytes) noexcept EXCLUDES(any_mutex);
// Takes contents, backing and access away, and keeps the addresses, which are reserved as by
// reserve(). False, and nothing has changed, if the system has no mapping left for it.
[[nodiscard]] bool close(void* begin, std::size_t bytes) noexcept;
// Gives addresses and backing back.
void release(void* begin, std::size_t bytes) noexcept;
// Moves the pages of [from, from + bytes), committed, to the begin of [to, to + to_bytes),
// reserved, without a copy, and commits the rest of that; `from` reads as zeros afterwards.
[[nodiscard]] Moved move_pages(void* from, std::size_t bytes, void* to,
                               std::size_t to_bytes) noexcept EXCLUDES(any_mutex);

// Where the program break is, 0 if there is none; moves it from there. One caller at a time.
std::uintptr_t program_break() noexcept;
[[nodiscard]] bool move_break_to(std::uintptr_t from, std::uintptr_t to) noexcept;

// Asks that `hook(value)` runs when this thread ends, after the destructors of its C++
// thread_local objects, at some point among those of its pthread keys. One hook serves the
// whole process; `value` is not null. False if the system has no room left. May call the
// program's calloc, so the caller must be ready to serve it.
[[nodiscard]] bool at_thread_exit(void (*hook)(void*), void* value) noexcept;

// Writes text to a file descriptor, in one piece if it can. False if some of it was not written.
bool write(int descriptor, const char* text, std::size_t size) noexcept;
// Writes to standard error; a failure is ignored.
void write_error(const char* text, std::size_t size) noexcept;
[[noreturn]] void abort() noexcept;

// Sleeps while `word` holds `value`; may wake for no reason.
void wait(const std::atomic<std::uint32_t>& word, std::uint32_t value) noexcept;
void wake_one(const std::atomic<std::uint32_t>& word) noexcept;

// --- Fork generation -------------------------------------------------------------------------
// A number that differs in a forked child from that of its parent. A mutex that was held
// while another thread forked is recognised by it: its holder does not exist in the child.

// A writable page that is zero in a forked child; null where the platform has none.
void* map_wiped_on_fork(std::size_t bytes) noexcept;
// Asks that `hook()` runs in each forked child. May call the program's malloc.
[[nodiscard]] bool at_fork_in_child(void (*hook)()) noexcept;
// Points to the word, in such a page where there is one.
extern std::atomic<std::atomic<std::uint32_t>*> generation_word;
// First call in a child: gives the child its number.
std::uint32_t renew_generation() noexcept;
// Called before the first lock is taken by several threads, and before the first random number;
// later calls do nothing.
void set_up_generation() noexcept;

inline std::uint32_t generation() noexcept {
  // Acquire pairs with the release in set_up_generation: it publishes the word's page.
  const std::uint32_t value =
      generation_word.load(std::memory_order_acquire)->load(std::memory_order_relaxed);
  return __builtin_expect(value != 0, 1) ? value : renew_generation();
}
// Whether that is the number of this process, for one that was given to it or to an ancestor of
// it. Of 0 it says nothing.
inline bool is_generation(std::uint32_t number) noexcept {
  // Acquire as in generation().
  return generation_word.load(std::memory_order_acquire)->load(std::memory_order_relaxed) ==
         number;
}

}  // namespace ralloc::os
