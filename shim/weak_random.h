// The last resort of fill_random: what differs from one process to the next, for systems that
// have no better to give (early in boot, or where a filter of system calls forbids the question).
//
// Who knows the process's addresses, its start and its clock can compute the bytes; another
// cannot, and they differ from call to call.
//
// Thread safety: any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "shim/chacha.h"

namespace ralloc::os {

// `secret` has 16 bytes that the system gave the process at its start, or is null. ChaCha lies
// between: libc makes its own canaries of them, which our bytes must not tell.
inline void fill_weakly(void* buffer, std::size_t bytes, const void* secret,
                        std::uint64_t clock) noexcept {
  static constinit std::atomic<std::uint32_t> calls{0};
  using Cipher = ChaCha<20>;
  Cipher::Key key = {};
  if (secret != nullptr) std::memcpy(key, secret, 16);
  // The program's place, and the stack's.
  const std::uint64_t places[2] = {reinterpret_cast<std::uintptr_t>(&calls),
                                   reinterpret_cast<std::uintptr_t>(&key)};
  std::memcpy(key + 4, places, sizeof places);
  const Cipher::Nonce nonce = {std::uint32_t(clock), std::uint32_t(clock >> 32),
                               calls.fetch_add(1, std::memory_order_relaxed)};
  char* to = static_cast<char*>(buffer);
  for (std::uint32_t counter = 0; bytes != 0; ++counter) {
    Cipher::Block block;
    Cipher::block(key, counter, nonce, block);
    const std::size_t some = bytes < sizeof block ? bytes : sizeof block;
    std::memcpy(to, block, some);
    to += some;
    bytes -= some;
  }
}

}  // namespace ralloc::os
