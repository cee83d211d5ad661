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

// What an at-least call gives.
struct Given {
  void* begin;
  std::size_t size;
};

// `text` is the call as C++ for the reader of a failure, with SIZE, ALIGN, BLOCK, OLD and LEAST
// in the places of the arguments.
struct AllocateWay {
  const char* text;
  void* (*call)(std::size_t size, std::size_t align);
  Family makes;
  bool aligns = false;  // else `align` is ignored
  bool zeroes = false;
  // In the place of `call`, where the block may be larger than asked for.
  Given (*at_least)(std::size_t size, std::size_t align) = nullptr;
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

// What subjects with parts have besides. Their ways to free and to resize take parts too.
struct PartWays {
  const char* inplace_text;
  bool (*inplace)(void* block, std::size_t old_size, std::size_t size);
  const char* inplace_at_least_text;
  std::size_t (*inplace_at_least)(void* block, std::size_t old_size, std::size_t least,
                                  std::size_t preferred);
};

struct Subject {
  const char* prologue;  // what a program that makes the calls begins with
  std::span<const AllocateWay> allocate_ways;
  std::span<const FreeWay> free_ways;
  std::span<const ResizeWay> resize_ways;
  // Null without parts. With them, any alignment may be asked for.
  const PartWays* parts;
  // What every block is aligned to at least, where the call does not say.
  std::size_t default_align;
  // Bytes that the block takes up in the subject's own statistics. Asked only for whole blocks
  // that were aligned to a power of two.
  std::size_t (*usable_size)(void* block);
  // Whether the program may write to all of them.
  bool usable_is_writable;
  // Whether all that becomes the program's reads as zeros, whoever had it before.
  bool zeroes_all;
  // Bytes in blocks that the program holds, once no other thread has any cached.
  std::size_t (*bytes_in_use)();
  // By how much that may be off: for what the C library allocates behind our back.
  std::size_t bytes_in_use_slack;
  // Whether a block is counted with its usable bytes; else with those, and what it has besides.
  bool bytes_in_use_are_usable;
  bool (*is_valid)();
  void (*trim)();
};

extern const Subject subject;

}  // namespace ralloc_test
