// Parts of small blocks are freed from several threads, and grow into freed neighbours.
//
// Invariants: I10 (a block comes home with its last part, once: each piece has a payload, and
// who gets the block next writes all of them), I1, I2, I4, and no record is lost. The record of
// the first part is made with no lock held, so two threads may bring one.
// Cannot see: parts that share a byte of payload; misuse (parts_misuse_model.cc).
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

constexpr std::size_t kBlockBytes = TinyLimits::size_class(kTwoBlocks).block_size;
constexpr std::size_t kPieces = kBlockBytes / kPayloadBytes;
static_assert(kPieces == 4 && kPayloadBytes % TinyLimits::kPartGrain == 0);

// One block, its quarters and its slack.
template <class Model, unsigned kThreads>
struct PartScenario : PoolScenario<Model, kThreads> {
  char* block = nullptr;

  // Of the block.
  char* piece(std::size_t i) { return block + i * kPayloadBytes; }
  void* take_whole(std::size_t bytes = kBlockBytes) {
    void* taken = nullptr;
    require(this->pool.take(0, kTwoBlocks, &taken, 1) == 1, "no memory");
    this->hold_bytes(taken, bytes);
    return taken;
  }
  void give_whole(void* taken) {
    this->let_go_bytes(taken, kBlockBytes);
    this->pool.give(&taken, 1);
  }
};

// The last part brings the block home, and with it the span, which another takes at once.
template <unsigned kThreads>
struct PartsComeHome : PartScenario<PartsComeHome<kThreads>, kThreads> {
  void* neighbour = nullptr;

  void before() {
    this->block = static_cast<char*>(this->take_whole());
    neighbour = this->take_whole();
    // The neighbour has a record too; who frees its rest finds the right one.
    this->give_part(neighbour, kPayloadBytes);
  }
  void thread(unsigned t) {
    switch (t) {
      case 0:
        this->give_part(this->piece(0), kPayloadBytes);
        this->give_part(this->piece(1), kPayloadBytes);
        break;
      case 1:
        this->give_part(this->piece(2), kThreads > 2 ? kPayloadBytes : 2 * kPayloadBytes);
        this->give_part(static_cast<char*>(neighbour) + kPayloadBytes,
                        kBlockBytes - kPayloadBytes);
        break;
      default:
        this->give_part(this->piece(3), kPayloadBytes);
        this->give_whole(this->take_whole());
    }
  }
  void after() { this->check_all_is_home(); }
};

const Listed<PartsComeHome> listed{"PartsComeHome", "I1 I2 I4 I10", 2};

// A part grows by what is freed behind it, up to what was asked for with the block, while its
// neighbours are freed.
template <unsigned kThreads>
struct PartGrows : PartScenario<PartGrows<kThreads>, kThreads> {
  static constexpr std::size_t kAsked = 3 * kPayloadBytes;

  void before() {
    World::slack = kBlockBytes - kAsked;
    this->block = static_cast<char*>(this->take_whole(kAsked));
  }
  void thread(unsigned t) {
    if (t == 0) {
      std::size_t bytes = kPayloadBytes;
      const ralloc::Key key = this->check_key(this->block);
      require(this->pool.span_of(this->block)->class_.get() == kTwoBlocks, "a wrong span (I3)");
      const std::size_t grown =
          this->pool.extend_part(this->block, bytes, bytes + kPayloadBytes, kBlockBytes, key);
      require(grown == 0 || grown == 2 * kPayloadBytes || grown == kAsked, "an odd growth");
      if (grown != 0) {
        this->hold_bytes(this->block + bytes, grown - bytes);
        bytes = grown;
      }
      this->give_part(this->block, bytes);
    } else if (kThreads > 2) {
      this->give_part(this->piece(t), kPayloadBytes);
    } else {
      for (std::size_t i : {2, 1}) this->give_part(this->piece(i), kPayloadBytes);
    }
  }
  void after() {
    this->check_all_is_home();
  }
};

const Listed<PartGrows> grows{"PartGrows", "I1 I2 I10", 2};

}  // namespace
}  // namespace ralloc_verify
