// The call stacks by which blocks were allocated, each kept once, for the debugger build's list
// of leaks.
//
// Thread safety: every member function may be called from any thread; each holds the one mutex
// and no other. Stacks are never given up, so who knows the number of one may look at it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "shim/annotations.h"
#include "shim/config.h"
#include "shim/os.h"
#include "shim/sync.h"

namespace ralloc {

class CallStacks {
 public:
  static constexpr unsigned kFrames = 16;
  static constexpr std::uint32_t kMost = 1 << 15;
  struct CallStack {
    std::uint64_t hash;
    unsigned count;
    void* frames[kFrames];
  };

  constexpr CallStacks() = default;

  // The number of a stack; 0 for one that is not known, or for which there is no room.
  std::uint32_t number_of(void* const* frames, unsigned count) EXCLUDES(any_mutex) {
    if (count == 0) return 0;
    if (count > kFrames) count = kFrames;
    std::uint64_t hash = count;
    for (unsigned i = 0; i < count; ++i) {
      hash = (hash ^ reinterpret_cast<std::uintptr_t>(frames[i])) * 0x9e3779b97f4a7c15;
      hash ^= hash >> 29;
    }
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    for (std::uint32_t place = hash % kPlaces;; place = (place + 1) % kPlaces) {
      const std::uint32_t number = places_[place];
      if (number == 0) return places_[place] = add(hash, frames, count);
      const CallStack& known = *stacks_[number];
      if (known.hash == hash && known.count == count &&
          std::memcmp(known.frames, frames, count * sizeof *frames) == 0) {
        return number;
      }
    }
  }
  // One that has a number.
  const CallStack& at(std::uint32_t number) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    return *stacks_[number];
  }

 private:
  using Guard = StdSync::Guard;
  static constexpr std::uint32_t kPlaces = 2 * kMost;  // so that there is always an empty one

  // After a fork the table and the chunk's rest may be half written: they start anew, and the old
  // numbers stay valid.
  void retire() REQUIRES(mutex_, any_mutex) {
    for (std::uint32_t& place : places_) place = 0;
    left_ = 0;
  }

  std::uint32_t add(std::uint64_t hash, void* const* frames, unsigned count)
      REQUIRES(mutex_, any_mutex) {
    if (count_ + 1 == kMost) return 0;
    if (left_ == 0) {
      void* const chunk = os::reserve(kChunk, os::page_size(), nullptr);
      if (chunk == nullptr) return 0;
      if (!os::commit(chunk, kChunk)) {
        os::release(chunk, kChunk);
        return 0;
      }
      fresh_ = static_cast<CallStack*>(chunk);
      left_ = kChunk / sizeof(CallStack);
    }
    --left_;
    CallStack* const stack = fresh_++;
    stack->hash = hash;
    stack->count = count;
    std::memcpy(stack->frames, frames, count * sizeof *frames);
    stacks_[++count_] = stack;
    return count_;
  }

  static constexpr std::size_t kChunk = 256 * kKiB;
  StdSync::Mutex mutex_;
  std::uint32_t count_ GUARDED_BY(mutex_) = 0;
  CallStack* fresh_ GUARDED_BY(mutex_) = nullptr;
  std::size_t left_ GUARDED_BY(mutex_) = 0;
  CallStack* stacks_[kMost] GUARDED_BY(mutex_) = {};
  std::uint32_t places_[kPlaces] GUARDED_BY(mutex_) = {};
};

}  // namespace ralloc
