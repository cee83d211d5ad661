// The table of live blocks that the debugger build keeps: which bytes are the program's, and who
// asked for them.
//
// It knows intervals of bytes: a block is one, and what is left of it where parts were freed are
// several, each of which debuggers are told of as a block. They are in a tree by address (a treap).
//
// Thread safety: every member function may be called from any thread; each holds the one mutex
// and no other, under which debuggers are told, so that what they know is what the table says.
// Nothing is called out else; memory comes from the OS in chunks, under the mutex.
// Invariants: intervals do not overlap. Addresses of blocks are kept inverted: else memcheck
// would find them here, and no block would ever be lost.
//
// After a fork that lost the holder of the mutex, or where the OS has no memory for it, the table is
// given up, and knows nothing; what the program gets from then on is open, and stays so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "shim/annotations.h"
#include "shim/debugger.h"
#include "shim/os.h"
#include "shim/sync.h"

namespace ralloc {

class LiveBlocks {
 public:
  using Stack = std::uint32_t;  // where it was allocated; see global_pool/call_stacks.h
  struct Interval {
    void* begin;
    std::size_t size;
    Stack stack;
  };
  enum class Answer : std::uint8_t { kYes, kNo, kUnknown };

  constexpr LiveBlocks() = default;

  // A block goes to the program; nothing if it has it already.
  void add(void* begin, std::size_t size, bool is_zeroed, Stack stack) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    if (is_lost_) return debugger::open(begin, size);
    const std::uintptr_t at = address(begin);
    if (Node* known = last_until(at); known != nullptr && known->begin() == at) return;
    if (!insert(at, size, stack)) {
      is_lost_ = true;
      return debugger::open(begin, size);
    }
    bytes_ += size;
    debugger::begin_block(begin, size, is_zeroed);
  }

  // The program gives these bytes back, or is about to: no (and nothing has changed) if some of
  // them are not its own.
  Answer remove(void* begin, std::size_t size) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    if (is_lost_) return Answer::kUnknown;
    if (!all_live(address(begin), size)) return Answer::kNo;
    std::uintptr_t at = address(begin);
    const std::uintptr_t end = at + size;
    do {
      Node* const node = last_until(at);
      const std::uintptr_t stop = end < node->end() ? end : node->end();
      if (!cut(node, at, stop)) {
        is_lost_ = true;
        return Answer::kUnknown;
      }
      at = stop;
    } while (at < end);
    return Answer::kYes;
  }

  // Bytes that were removed are the program's again after all, with their contents.
  void restore(void* begin, std::size_t size, Stack stack) {
    add(begin, size, true, stack);
    debugger::open(begin, size);
  }

  // The bytes at `begin`, all of them live, became more.
  void grow(void* begin, std::size_t old_size, std::size_t size) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    if (is_lost_) return debugger::open(begin, size);
    Node* const node = last_until(address(begin) + (old_size != 0 ? old_size - 1 : 0));
    if (node == nullptr || node->end() != address(begin) + old_size) return;
    const std::size_t whole = node->size + (size - old_size);
    debugger::resize_block(pointer(node->begin()), node->size, whole);
    node->size = whole;
    bytes_ += size - old_size;
  }

  // Whether all of the bytes are live; of no bytes, whether a block of none is there.
  Answer are_live(const void* begin, std::size_t size) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    if (is_lost_) return Answer::kUnknown;
    return all_live(address(begin), size) ? Answer::kYes : Answer::kNo;
  }
  // The interval that has the address or begins at it; one without a begin if there is none.
  Interval find(const void* p) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    const std::uintptr_t at = address(p);
    const Node* const node = is_lost_ ? nullptr : last_until(at);
    if (node == nullptr || (at != node->begin() && at >= node->end())) return {};
    return {pointer(node->begin()), node->size, node->stack};
  }
  std::size_t bytes() EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    return bytes_;
  }
  // Of the table's own memory.
  std::size_t mapped() EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    return mapped_;
  }
  // False if the table was given up.
  bool is_complete() EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    return !is_lost_;
  }
  // The first interval at `from` or above; one without a begin behind the last.
  Interval next(std::uintptr_t from) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    const Node* found = nullptr;
    for (const Node* n = is_lost_ ? nullptr : root_; n != nullptr;) {
      if (n->begin() >= from) {
        found = n;
        n = n->left;
      } else {
        n = n->right;
      }
    }
    return found != nullptr ? Interval{pointer(found->begin()), found->size, found->stack}
                            : Interval{};
  }

 private:
  using Guard = StdSync::Guard;

  struct Node {
    std::uintptr_t hidden;
    std::size_t size;
    Node* left;
    Node* right;
    Stack stack;
    std::uint32_t priority;  // of a parent at least that of its children

    std::uintptr_t begin() const { return ~hidden; }
    std::uintptr_t end() const { return ~hidden + size; }
  };
  static constexpr std::size_t kChunk = 1 * kMiB;

  static std::uintptr_t address(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }
  static void* pointer(std::uintptr_t at) { return reinterpret_cast<void*>(at); }

  void retire() REQUIRES(mutex_, any_mutex) { is_lost_ = true; }

  // The last interval that begins at `at` or before.
  Node* last_until(std::uintptr_t at) REQUIRES(mutex_, any_mutex) {
    Node* found = nullptr;
    for (Node* n = root_; n != nullptr;) {
      if (n->begin() <= at) {
        found = n;
        n = n->right;
      } else {
        n = n->left;
      }
    }
    return found;
  }

  bool all_live(std::uintptr_t at, std::size_t size) REQUIRES(mutex_, any_mutex) {
    if (size == 0) {
      const Node* const node = last_until(at);
      return node != nullptr && node->begin() == at && node->size == 0;
    }
    if (at + size < at) return false;
    for (const std::uintptr_t end = at + size; at < end;) {
      const Node* const node = last_until(at);
      if (node == nullptr || at >= node->end()) return false;
      at = node->end();
    }
    return true;
  }

  // Takes [first, last) out of an interval.
  bool cut(Node* node, std::uintptr_t first, std::uintptr_t last) REQUIRES(mutex_, any_mutex) {
    const std::uintptr_t begin = node->begin();
    const std::size_t size = node->size;
    const Stack stack = node->stack;
    debugger::cut_block(pointer(begin), size, first - begin, last - begin);
    bytes_ -= last - first;
    if (first == begin) {
      erase(begin);
    } else {
      node->size = first - begin;
    }
    return last == begin + size || insert(last, begin + size - last, stack);
  }

  bool insert(std::uintptr_t at, std::size_t size, Stack stack) REQUIRES(mutex_, any_mutex) {
    Node* const node = take_node();
    if (node == nullptr) return false;
    // By the order of coming, scrambled.
    seed_ = seed_ * 1664525 + 1013904223;
    *node = {~at, size, nullptr, nullptr, stack, seed_};
    Node** place = &root_;
    while (*place != nullptr && (*place)->priority >= node->priority) {
      place = at < (*place)->begin() ? &(*place)->left : &(*place)->right;
    }
    // What was there goes below, by halves.
    Node* rest = *place;
    *place = node;
    Node** left = &node->left;
    Node** right = &node->right;
    while (rest != nullptr) {
      if (rest->begin() < at) {
        *left = rest;
        left = &rest->right;
        rest = rest->right;
      } else {
        *right = rest;
        right = &rest->left;
        rest = rest->left;
      }
    }
    *left = *right = nullptr;
    return true;
  }

  void erase(std::uintptr_t at) REQUIRES(mutex_, any_mutex) {
    Node** place = &root_;
    while ((*place)->begin() != at) {
      place = at < (*place)->begin() ? &(*place)->left : &(*place)->right;
    }
    Node* const node = *place;
    Node* left = node->left;
    Node* right = node->right;
    while (left != nullptr && right != nullptr) {
      if (left->priority >= right->priority) {
        *place = left;
        place = &left->right;
        left = *place;
      } else {
        *place = right;
        place = &right->left;
        right = *place;
      }
    }
    *place = left != nullptr ? left : right;
    node->right = free_;
    free_ = node;
  }

  Node* take_node() REQUIRES(mutex_, any_mutex) {
    if (Node* node = free_) {
      free_ = node->right;
      return node;
    }
    if (fresh_left_ == 0) {
      void* const chunk = os::reserve(kChunk, os::page_size(), nullptr);
      if (chunk == nullptr) return nullptr;
      if (!os::commit(chunk, kChunk)) {
        os::release(chunk, kChunk);
        return nullptr;
      }
      fresh_ = static_cast<Node*>(chunk);
      fresh_left_ = kChunk / sizeof(Node);
      mapped_ += kChunk;
    }
    --fresh_left_;
    return new (fresh_++) Node;
  }

  StdSync::Mutex mutex_;
  bool is_lost_ GUARDED_BY(mutex_) = false;
  Node* root_ GUARDED_BY(mutex_) = nullptr;
  Node* free_ GUARDED_BY(mutex_) = nullptr;
  Node* fresh_ GUARDED_BY(mutex_) = nullptr;
  std::size_t fresh_left_ GUARDED_BY(mutex_) = 0;
  std::size_t mapped_ GUARDED_BY(mutex_) = 0;
  std::size_t bytes_ GUARDED_BY(mutex_) = 0;
  std::uint32_t seed_ GUARDED_BY(mutex_) = 1;
};

}  // namespace ralloc
