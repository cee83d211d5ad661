// What a platform must provide: the concept that os.h is bound to, and nothing else in the
// allocator knows the system. docs/platforms.md lists the implementations.
//
// Thread safety: every operation may be called from any thread, in a forked child, before main
// and after exit, unless said otherwise. None takes a lock that a fork could leave held, none
// changes errno, and none is a cancellation point. Those that may call the program's malloc say so.
// Invariants: shim/platform_test.cc checks each pre- and postcondition below of each platform.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace ralloc::os {

// What became of pages that were to move.
enum class Moved {
  kYes,
  kNo,    // nothing has changed: the platform cannot, or will not with this memory
  kLost,  // as kNo, but the addresses of the target are not ours any longer
};

// Addresses and sizes are multiples of page_size(), and sizes are not 0, unless said otherwise.
// Memory is *reserved* (addresses alone), and then *committed* in parts (it may be used).
template <class P>
concept Platform = requires(void* begin, std::size_t bytes, std::size_t align, void* hint,
                            std::uintptr_t address, void (*hook)(void*), void (*child_hook)(),
                            void* value, const char* text, int descriptor,
                            const std::atomic<std::uint32_t>& word, std::uint32_t word_value) {
  // --- The process -------------------------------------------------------------------------
  // The system's page in bytes: a power of two, constant while the process lives.
  { P::page_size() } noexcept -> std::same_as<std::size_t>;
  // Cores this process may use, as far as the system tells; at least 1.
  { P::cpu_count() } noexcept -> std::same_as<unsigned>;
  // Limit on the address space of the process in bytes; SIZE_MAX without one.
  { P::address_space_limit() } noexcept -> std::same_as<std::size_t>;
  // NAME=VALUE each, and null at the end; null while the system has it not.
  { P::environment() } noexcept -> std::same_as<const char* const*>;
  // Whether the process has rights that who started it may lack (setuid), so that its
  // environment is not to be trusted.
  { P::is_privileged() } noexcept -> std::same_as<bool>;
  // Milliseconds of a clock that never goes back, a few milliseconds coarse.
  { P::now_ms() } noexcept -> std::same_as<std::uint64_t>;

  // --- Secrets -----------------------------------------------------------------------------
  // Fills any number of bytes. True: nobody can predict them. False: the system had none to give
  // (yet), and they are what differs from process to process and from call to call.
  { P::fill_random(begin, bytes) } noexcept -> std::same_as<bool>;

  // --- Memory ------------------------------------------------------------------------------
  // Addresses of nobody else's, at a multiple of `align` (a power of two, at least a page),
  // reserved: neither readable nor writable, and no more address space taken than that. At
  // `hint` where that is not null, aligned and free. Null if there are none.
  { P::reserve(bytes, align, hint) } noexcept -> std::same_as<void*>;
  // As reserve, but all of it reads as zeros from the start.
  { P::reserve_zeros(bytes) } noexcept -> std::same_as<void*>;
  // Pre: reserved, and not committed. True: reads as zeros and may be written. False: reserved
  // as before, or (where there was no reservation) nothing has changed.
  { P::commit(begin, bytes) } noexcept -> std::same_as<bool>;
  // Pre: committed, in use by nobody. True: reads as zeros, may be written, and its backing is
  // the system's again. False: has its contents as before.
  { P::purge(begin, bytes) } noexcept -> std::same_as<bool>;
  // Pre: reserved or committed, any pages of it, in use by nobody. True: reserved as by
  // reserve(), and contents and backing are gone. False (the system may have no more mappings):
  // as before. Nobody else's addresses are taken.
  { P::close(begin, bytes) } noexcept -> std::same_as<bool>;
  // Pre: reserved or committed, any pages of it. Post: the addresses are not ours.
  { P::release(begin, bytes) } noexcept -> std::same_as<void>;
  // Grows a reservation in place. True: the `bytes` from `begin`, where one of ours ends, are
  // reserved as by reserve(). False: nothing has changed.
  { P::reserve_at(begin, bytes) } noexcept -> std::same_as<bool>;
  // Pre: [begin, begin + bytes) is committed, all of a reservation. True: so are `align` bytes behind
  // it, which read as zeros, and move_pages takes all of it. False: nothing has changed.
  { P::extend(begin, bytes, align) } noexcept -> std::same_as<bool>;
  // Moves the pages of [begin, begin + bytes), committed, to the begin of [value, value +
  // align), reserved, which is as long at least and elsewhere. kYes: nothing was copied if the
  // system can do without; the rest of the target is committed, and the source reads as zeros.
  { P::move_pages(begin, bytes, value, align) } noexcept -> std::same_as<Moved>;

  // --- The program break -------------------------------------------------------------------
  // Pre, for both: one caller at a time. Any number, no multiple of a page.
  // Where it is; 0 if the system has none.
  { P::program_break() } noexcept -> std::same_as<std::uintptr_t>;
  // Pre: the first is where it is. True: it is at the second, what was added reads as zeros, and
  // libc knows. False: it is where it was.
  { P::move_break_to(address, address) } noexcept -> std::same_as<bool>;

  // --- Threads -----------------------------------------------------------------------------
  // hook(value) runs once when this thread ends, after the destructors of its C++ thread_local
  // objects. One hook serves the whole process; `value` is not null. False if the system has no
  // room for it. May call the program's calloc.
  { P::at_thread_exit(hook, value) } noexcept -> std::same_as<bool>;
  // Lets others run.
  { P::yield() } noexcept -> std::same_as<void>;
  // Returns at once if the word has another value, else sleeps until it is woken after the word
  // was changed; may return for no reason.
  { P::wait(word, word_value) } noexcept -> std::same_as<void>;
  // One who waits for the word, if anybody does, looks at it again.
  { P::wake_one(word) } noexcept -> std::same_as<void>;

  // --- Fork --------------------------------------------------------------------------------
  // Committed memory that is all zeros in a forked child; null if the system has none.
  { P::map_wiped_on_fork(bytes) } noexcept -> std::same_as<void*>;
  // child_hook() runs in each child that is forked from now on, before fork returns in it.
  // False if the system has no room for it. May call the program's malloc.
  { P::at_fork_in_child(child_hook) } noexcept -> std::same_as<bool>;

  // --- Last words --------------------------------------------------------------------------
  // Writes text to a file descriptor, in one piece if the system takes it so. Post: all of it
  // was written, or false.
  { P::write(descriptor, text, bytes) } noexcept -> std::same_as<bool>;
  // Ends the process by SIGABRT or what is like it; does not return.
  { P::abort() } noexcept -> std::same_as<void>;
};

}  // namespace ralloc::os
