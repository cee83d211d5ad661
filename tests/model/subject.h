// What the model test plays against: an interface of the allocator, as tables of the ways to
// call it. Each program of the test is linked with one subject: core_subject.cc,
// abi_subject.cc, or broken_subject.cc, whose bugs the model must find.
//
// Thread safety: every function may be called from any thread.
#pragma once

#include <cstddef>
#include <span>

namespace ralloc_test {

// Which call made a block decides which calls may take it back.
enum Family : unsigned {
  kPlain = 1,
  kAligned = 2,
  kNew = 4,
  kNewAligned = 8,
  kNewArray = 16,
  kNewArrayAligned = 32,
};

// `text` is the call as C++ for the reader of a failure, with SIZE, ALIGN, BLOCK and OLD in
// the places of the arguments.
struct AllocateWay {
  const char* text;
  void* (*call)(std::size_t size, std::size_t align);
  Family makes;
  bool aligns = false;  // else `align` is ignored
  bool zeroes = false;
};

struct FreeWay {
  const char* text;
  void (*call)(void* block, std::size_t size, std::size_t align);
  unsigned takes;  // families
};

struct ResizeWay {
  const char* text;
  void* (*call)(void* block, std::size_t old_size, std::size_t size, std::size_t align);
  unsigned takes;           // families; the block is one of kPlain afterwards
  std::size_t least_size;   // that it can be asked for
  bool aligns = false;
};

struct Subject {
  std::span<const AllocateWay> allocate_ways;
  std::span<const FreeWay> free_ways;
  std::span<const ResizeWay> resize_ways;
  // Bytes that the block takes up in the subject's own statistics.
  std::size_t (*usable_size)(void* block);
  // Whether the program may write to all of them.
  bool usable_is_writable;
  // Bytes in blocks that the program holds, once no other thread has any cached.
  std::size_t (*bytes_in_use)();
  // By how much that may be off: for what the C library allocates behind our back.
  std::size_t bytes_in_use_slack;
  bool (*is_valid)();
  void (*trim)();
};

extern const Subject subject;

}  // namespace ralloc_test
