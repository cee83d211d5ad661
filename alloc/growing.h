#pragma once
// Which blocks a thread moved last in order that they grow. A buffer that is appended to by little comes
// again, and the next move gives it more room than one that grows once in its life would get.
//
// Thread safety: each thread has its own. The addresses serve only to be compared: a block may be gone,
// or another may lie there, which costs room and no more.
#include <cstddef>

namespace ralloc {

class Growing {
 public:
  // Whether a block grew before.
  bool knows(const void* block) const { return place_of(block) != kPlaces; }
  // It grew, and is there now.
  void moved(const void* from, const void* to) {
    const unsigned place = place_of(from);
    blocks_[place != kPlaces ? place : next_++ % kPlaces] = to;
  }

 private:
  static constexpr unsigned kPlaces = 4;  // as many buffers as a program appends to by turns

  unsigned place_of(const void* block) const {
    unsigned place = 0;
    while (place < kPlaces && blocks_[place] != block) ++place;
    return place;
  }

  const void* blocks_[kPlaces] = {};
  unsigned next_ = 0;
};

// This thread's.
extern constinit thread_local Growing growing [[gnu::tls_model("initial-exec")]];

}  // namespace ralloc
