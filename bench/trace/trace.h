#pragma once
// A trace: what a program asked of malloc, as bench/trace/convert wrote it.
//
// Thread safety: constant once loaded, so for any number of threads.
//
// The file is
//
//   8 bytes   MALLTRC1
//   8         operations
//   8         births: blocks that are allocated or reallocated
//   4         threads
//   4         CRC-32 of all that follows (zlib's)
//
// lowest byte first, and then a number for each operation, some followed by others. A number has
// seven bits in each byte, the lowest first; all its bytes but the last are 128 or more. The three
// lowest bits of an operation's number say what it is; AGE is how many births there were since the
// block's own:
//
//   SIZE << 3 | 0               allocate
//   SIZE << 3 | 1               allocate, zeroed
//   SIZE << 3 | 2, LOG2         allocate, aligned to 2 to the power of LOG2
//   AGE << 3 | 3, SIZE          reallocate, which is also a birth
//   AGE << 3 | 4                free
//   THREAD << 3 | 5             no operation: those that follow are that thread's, at first 0
//
// Invariants:
//   I1  What an operation reallocates or frees is live; what it allocates is not.
//   I2  At the end nothing is live: what the program did not free is freed after recorded().
//   I3  operation.block < blocks(), which is how many are live at most: numbers are used again, so
//       that a replay's table is no larger than it must be.
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

#include "bench/trace/mapped_array.h"

namespace ralloc::bench {

enum class Call : std::uint8_t { kAllocate, kAllocateZeroed, kAllocateAligned, kReallocate, kFree };

struct Operation {
  std::size_t size;  // of the block that it allocates, or frees
  std::uint32_t block;
  std::uint16_t thread;
  std::uint8_t align_log2;
  Call call;
};
static_assert(sizeof(Operation) == 16);

// What is wrong with a file, in one sentence.
struct TraceError : std::runtime_error {
  using runtime_error::runtime_error;
};

class Trace {
 public:
  // Throws TraceError.
  static Trace load(const std::string& path);

  std::span<const Operation> operations() const { return {operations_.data(), count_}; }
  // How many of them the program did itself.
  std::size_t recorded() const { return recorded_; }
  std::size_t blocks() const { return blocks_; }
  std::size_t threads() const { return threads_; }
  // Of all live blocks together, at most.
  std::size_t peak_bytes() const { return peak_bytes_; }

 private:
  friend class Decoder;

  MappedArray<Operation> operations_;
  std::size_t count_ = 0;
  std::size_t recorded_ = 0;
  std::size_t blocks_ = 0;
  std::size_t threads_ = 0;
  std::size_t peak_bytes_ = 0;
};

}  // namespace ralloc::bench
