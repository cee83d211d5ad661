// Parts of large blocks are freed from several threads, and grow, while others take the pages
// that have left.
//
// Invariants: I10 (a page is there for others once all of its bytes are freed, and not before:
// each eighth of a page has a payload), I6 (what is freed of a page is purged before it can be
// taken), I9, I3 (the key goes with the first page), and no record is lost.
// Cannot see: moves by the kernel; misuse (parts_misuse_model.cc).
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

template <class Model, unsigned kThreads>
struct LargePartScenario : PoolScenario<Model, kThreads> {
  char* block = nullptr;

  char* take_bytes(std::size_t pages) {
    auto* const span = this->pool.take_large(pages, 1);
    require(span != nullptr, "no memory");
    this->hold_bytes(span->begin(), span->bytes());
    return span->begin();
  }
  void take_and_give_bytes(std::size_t pages) {
    char* const taken = take_bytes(pages);
    this->give_large_part(taken, pages * kPageBytes);
  }
};

// Three pages; where two parts meet within a page, that page stays until both are freed.
template <unsigned kThreads>
struct LargePartsLeave : LargePartScenario<LargePartsLeave<kThreads>, kThreads> {
  static constexpr std::size_t kPages = 3;

  void before() { this->block = this->take_bytes(kPages); }
  void thread(unsigned t) {
    const std::size_t cuts[] = {0, kPageBytes * 3 / 2,
                                kThreads > 2 ? kPageBytes * 7 / 4 : kPages * kPageBytes,
                                kPages * kPageBytes};
    char* const part = this->block + cuts[t];
    std::size_t bytes = cuts[t + 1] - cuts[t];
    if (t == 0) {
      // Not into what lives.
      const std::size_t most = kPages * kPageBytes;
      const std::size_t grown = this->pool.extend_large_part(part, bytes, bytes, most);
      require(grown >= bytes, "a part has lost its end");
      this->hold_bytes(part + bytes, grown - bytes);
      bytes = grown;
    }
    this->give_large_part(part, bytes);
    if (t != 1) this->take_and_give_bytes(1);
  }
  void after() { this->check_all_is_home(); }
};

const Listed<LargePartsLeave> listed{"LargePartsLeave", "I3 I6 I9 I10", 2};

// A block has lost its end, and grows again: into its slack, and its neighbour if that is free.
template <unsigned kThreads>
struct LargePartGrows : LargePartScenario<LargePartGrows<kThreads>, kThreads> {
  char* neighbour = nullptr;
  static constexpr std::size_t kLeft = kPageBytes / 2;

  void before() {
    this->block = this->take_bytes(1);
    neighbour = this->take_bytes(1);
    this->give_large_part(this->block + kLeft, kPageBytes - kLeft);
  }
  void thread(unsigned t) {
    if (t == 1) return this->give_large_part(neighbour, kPageBytes);
    if (t == 2) return this->take_and_give_bytes(1);
    std::size_t bytes = kLeft;
    for (std::size_t least : {kPageBytes * 3 / 2, kPageBytes * 3 / 4}) {
      const std::size_t grown =
          this->pool.extend_large_part(this->block, bytes, least, least + kPageBytes / 4);
      if (grown == 0) continue;
      require(grown >= least, "less than the least");
      this->hold_bytes(this->block + bytes, grown - bytes);
      bytes = grown;
      break;
    }
    require(bytes > kLeft, "the slack is lost");
    this->give_large_part(this->block, bytes);
  }
  void after() { this->check_all_is_home(); }
};

const Listed<LargePartGrows> grows{"LargePartGrows", "I1 I9 I10", 2};

// Blocks with a mapping of their own fall into parts like any others, or are released whole;
// blocks that begin within a page have no key of their own.
template <unsigned kThreads>
struct LargePartsApart : LargePartScenario<LargePartsApart<kThreads>, kThreads> {
  void before() {
    auto* const span = this->pool.take_apart(4);
    this->block = span->begin();
    this->hold_bytes(this->block, span->bytes());
  }
  void thread(unsigned t) {
    if (t == 2) {
      auto* const span = this->pool.take_apart(2);
      char* const begin = span->begin();
      this->hold_bytes(begin, span->bytes());
      require(this->pool.whole_large(begin, span->bytes()) == span, "a block is not found");
      require(this->pool.empty_large(begin) == nullptr, "the block has bytes");
      require(this->pool.give_large_part(begin, 0, true), "nothing of a block is nothing");
      return this->give_large_part(begin, span->bytes());
    }
    const std::size_t half = 2 * kPageBytes;
    char* const part = this->block + t * half;
    if (t != 0) require(this->pool.whole_large(part, half) == nullptr, "a part is no block");
    // Of a part that shrank to nothing, and lay where another's begins.
    if (t == 0) require(this->pool.empty_large(part + half) == nullptr, "the block has bytes");
    this->give_large_part(part + kPageBytes, kPageBytes);
    this->give_large_part(part, kPageBytes);
  }
  void after() { this->check_all_is_home(); }
};

const Listed<LargePartsApart> apart{"LargePartsApart", "I3 I9 I10", 2};

}  // namespace
}  // namespace ralloc_verify
