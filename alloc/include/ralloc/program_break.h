// The program break, moved by any number of threads.
//
// Thread safety: any thread at any time, and in a forked child.
#pragma once

#include <cstddef>

namespace ralloc {

/// Moves the program break, the end of the process's data segment, by `n` bytes.
///
/// \param n  any number of bytes: memory is added if it is positive and given back, the last
///           first, if it is negative; 0 asks where the break is.
/// \return where the break was, at which the added memory begins; or (void*)-1, with errno
///         ENOMEM, where the break cannot be moved so far, and then it has not moved.
///
/// Added memory reads as zeros, but for the rest of an OS page that the break was in before.
/// It belongs to no allocator; and ralloc takes none of its own memory here, so that a moved
/// break pins nothing. Who gives back must know whose memory the last bytes are.
///
/// One lock, under which the kernel is asked where the break is. The drop-in library's C
/// functions sbrk and brk take the same lock: there, all callers of these in a process are safe
/// beside each other. With ralloc::core they stay libc's: calls of them and of libc's malloc,
/// which moves the break for the blocks of its first arena, are safe before, after and
/// between calls of ralloc::sbrk, but not while one runs in another thread. No lock of ours
/// keeps out who makes the system call brk by himself, or a second libc (dlmopen). A child that was
/// forked while another thread moved the break may be refused more: the kernel copies the break
/// and the memory below it at two times.
///
/// \code
/// char* table = static_cast<char*>(ralloc::sbrk(4096));
/// if (table == reinterpret_cast<char*>(-1)) return;
/// std::memset(table, 1, 4096);
/// assert(ralloc::sbrk(-4096) == table + 4096);  // nobody else moved the break meanwhile
/// assert(ralloc::sbrk(0) == table);
/// \endcode
void* sbrk(std::ptrdiff_t n) noexcept;

}  // namespace ralloc
