// The interface that a program misuses: malloc, operator new, or the C++ API. The program is
// linked with one of calls_*.cc for each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "misuse.h"

// A block of the size, and its free.
void* get(std::size_t size);
void put(void* block, std::size_t size);
// As realloc, where the interface has it.
void* resize(void* block, std::size_t old_size, std::size_t size);
// Gives home all free blocks that this thread keeps, where the interface can.
void trim();

// More blocks of a size than a thread may keep (Config::kPoolBytes, twice over): when they are freed,
// all that it freed before goes back to its span.
class Many {
 public:
  static constexpr std::size_t kMost = 8000;
  static constexpr std::size_t kBytes = std::size_t{1} << 24;

  explicit Many(std::size_t size) : size_(size) { get_again(); }
  void get_again() {
    for (n_ = 0; n_ < kMost && n_ * size_ < kBytes; ++n_) blocks_[n_] = get(size_);
  }
  void free() {
    for (std::size_t i = 0; i < n_; ++i) put(blocks_[i], size_);
  }
  std::size_t count() const { return n_; }
  char* operator[](std::size_t i) const { return static_cast<char*>(blocks_[i]); }

 private:
  const std::size_t size_;
  std::size_t n_ = 0;
  static inline void* blocks_[kMost];  // one at a time
};

// What a program does is chosen by its first argument.
struct Way {
  const char* name;
  void (*run)();
};

template <std::size_t N>
int run_way(const Way (&ways)[N], int argc, char** argv) {
  for (const Way& way : ways) {
    if (argc > 1 && std::strcmp(argv[1], way.name) == 0) {
      way.run();
      return 0;
    }
  }
  return kUsage;
}

// The same for what needs nothing from its caller.
template <class Function>
void in_thread(Function function) {
  run_in_thread(
      [](void* f) -> void* {
        (*static_cast<Function*>(f))();
        return nullptr;
      },
      &function);
}
