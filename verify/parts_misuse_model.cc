// Parts are freed that are not the program's, records are refused, and all else goes on.
//
// Invariants: I10 is checked: what is free already, or lies beyond its block, is reported, with
// no lock held (I5), and nothing else changes; a part whose record is refused stays as it was.
// Each thread misuses what only itself frees parts of, as in misuse_model.cc.
// Cannot see: parts that are nobody's (tests/misuse).
#include "verify/pool_scenario.h"

namespace ralloc_verify {
namespace {

using ralloc::Misuse;

template <unsigned kThreads>
struct PartMisuses : PoolScenario<PartMisuses<kThreads>, kThreads> {
  static constexpr std::size_t kBlockBytes = TinyLimits::size_class(kTwoBlocks).block_size;
  static constexpr std::size_t kPart = kPayloadBytes;
  char* small = nullptr;
  char* neighbour = nullptr;  // of the same span
  char* large = nullptr;

  void before() {
    small = take_whole();
    neighbour = take_whole();
    auto* const span = this->pool.take_large(2, 1);
    large = span->begin();
    this->hold_bytes(large, span->bytes());
  }
  char* take_whole() {
    void* block = nullptr;
    require(this->pool.take(0, kTwoBlocks, &block, 1) == 1, "no memory");
    this->hold_bytes(block, kBlockBytes);
    return static_cast<char*>(block);
  }
  void thread(unsigned t) {
    switch (t) {
      case 0: {
        const ralloc::Key key = this->check_key(small);
        World::refused_records = 1;
        this->let_go_bytes(small, kPart);
        while (!this->pool.give_part(small, kPart, key)) continue;
        refuse(Misuse::kPartFreed, small, kPart, key);
        break;
      }
      case 1: {
        World::granted_records = rl::rand(2);
        World::refused_records = 1;
        this->let_go_bytes(large, kPart);
        while (!this->pool.give_large_part(large, kPart, true)) continue;
        expect_misuse(Misuse::kPartFreed, large,
                      [&] { (void)this->pool.give_large_part(large, kPart, true); });
        break;
      }
      default:
        if (auto* const span = this->pool.take_large(1, 1)) {
          this->hold_large(span, 1);
          this->give_large(span, 1);
        }
    }
  }
  void refuse(Misuse misuse, char* part, std::size_t bytes, ralloc::Key key) {
    expect_misuse(misuse, part, [&] { (void)this->pool.give_part(part, bytes, key); });
  }
  void refuse_large(Misuse misuse, char* part, std::size_t bytes) {
    expect_misuse(misuse, part, [&] { (void)this->pool.give_large_part(part, bytes, true); });
  }
  void after() {
    World::granted_records = World::refused_records = 0;
    after_small();
    after_large();
    this->check_all_is_home();
  }
  void after_small() {
    const ralloc::Key key = this->check_key(small);
    refuse(Misuse::kOverFree, small + kPart, kBlockBytes, key);
    refuse(Misuse::kOverFree, small + 2 * kPart, kBlockBytes - kPart, key);
    World::slack = kPart;
    refuse(Misuse::kOverFree, neighbour, kBlockBytes, key);
    World::slack = 0;
    expect_misuse(Misuse::kOverRealloc, neighbour, [&] {
      (void)this->pool.extend_part(neighbour, 2 * kBlockBytes, 0, 2 * kBlockBytes, key);
    });
    // The whole of a block may not be given, if a part of it was.
    void* block = small;
    expect_misuse(Misuse::kPartFreed, small, [&] { this->pool.give(&block, 1); });
    this->give_part(neighbour, kBlockBytes);
    require(this->pool.is_valid(), "a structure is not valid");
    refuse(Misuse::kDoubleFree, neighbour, kPart, key);
    expect_misuse(Misuse::kForeignRealloc, neighbour,
                  [&] { (void)this->pool.extend_part(neighbour, kPart, kPart, kPart, key); });
    this->give_part(small + kPart, kBlockBytes - kPart);
    refuse(Misuse::kDoubleFree, small, kPart, key);
  }
  void after_large() {
    const std::size_t bytes = 2 * kPageBytes;
    refuse_large(Misuse::kOverFree, large + kPart, bytes);
    for (auto [part, size, misuse] : {std::tuple{large, kPart, Misuse::kPartFreed},
                                      std::tuple{large + kPart, bytes, Misuse::kOverRealloc}}) {
      expect_misuse(misuse, part,
                    [&] { (void)this->pool.extend_large_part(part, size, size, size); });
    }
    this->give_large_part(large + kPart, bytes - kPart);
    refuse_large(Misuse::kForeignFree, large, kPart);
    expect_misuse(Misuse::kForeignRealloc, large,
                  [&] { (void)this->pool.extend_large_part(large, kPart, kPart, kPart); });
  }
};

const Listed<PartMisuses> listed{"PartMisuses", "I5 I10", 2};

}  // namespace
}  // namespace ralloc_verify
