#pragma once
// Which blocks a thread moved last in order that they grow. A buffer that is appended to by little comes
// again, and the next move gives it more room than one that grows once in its life would get.
//
// Thread safety: each thread has its own. Every address serves only to be compared: the block may be
// gone, or another may lie there, which costs room and no more.
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

  // --- One of them may have pages to itself long before it fills one, so as not to be copied any more.
  bool has_pages(const void* block) const { return block == in_pages_; }
  // Whether another block may have such pages. `is_gone(block)`: that block has its pages no longer.
  // A block that came to stay keeps others from it, but not for ever: of kTurns blocks that grew one
  // leaves a page part full, which is less than 1/16 of what all of them have.
  template <class IsGone>
  bool may_have_pages(IsGone is_gone) {
    return in_pages_ == nullptr || is_gone(in_pages_) || ++turned_down_ >= kTurns;
  }
  void give_pages(const void* block) {
    in_pages_ = block;
    turned_down_ = 0;
  }
  // The block fills a page by now.
  void fills_pages(const void* block) {
    if (block == in_pages_) in_pages_ = nullptr;
  }

 private:
  // As many buffers as a program appends to by turns.
  static constexpr unsigned kPlaces = 4;
  static constexpr unsigned kTurns = 256;

  unsigned place_of(const void* block) const {
    unsigned place = 0;
    while (place < kPlaces && blocks_[place] != block) ++place;
    return place;
  }

  const void* blocks_[kPlaces] = {};
  const void* in_pages_ = nullptr;
  unsigned next_ = 0;
  unsigned turned_down_ = 0;
};

// This thread's.
extern constinit thread_local Growing growing [[gnu::tls_model("initial-exec")]];

}  // namespace ralloc
