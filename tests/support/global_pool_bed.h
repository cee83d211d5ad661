// A bookkeeper of few shards over an arena of mere addresses.
//
// Thread safety: the bookkeeper's, for take, give and what they count.
#pragma once

#include <vector>

#include "global_pool/global_pool.h"
#include "tests/support/small_pool.h"

namespace ralloc_test {

using Blocks = std::vector<void*>;

constexpr unsigned kManyBlocks = 1;  // 64 of 1 KiB in a span
constexpr unsigned kTwoBlocks = 2;   // of 32 KiB in a span
constexpr unsigned kLongSpans = 3;

template <class Limits>
class GlobalPoolBedOf : public SmallPoolTest {
 protected:
  using Pool = ralloc::GlobalPool<ralloc::StdSync, Limits>;
  using Span = typename Pool::Span;
  using Config = typename Limits::Config;
  static constexpr std::size_t kPiecePages = Config::kArenaPiece / kSmallPage;

  ~GlobalPoolBedOf() override { EXPECT_TRUE(pool_.is_valid()); }

  Blocks take(std::uint32_t shard, std::uint32_t size_class, std::size_t n) {
    Blocks blocks(n);
    blocks.resize(pool_.take(shard, size_class, blocks.data(), n));
    return blocks;
  }
  void give(Blocks blocks) { pool_.give(blocks.data(), blocks.size()); }
  ralloc::Key key_of(const void* p) const { return pool_.map().key_of(p); }
  std::size_t out() { return pool_.counts().shards.blocks_bytes; }
  std::size_t dirty_pages() { return pool_.counts().ledger.dirty_bytes / kSmallPage; }
  std::size_t clean_pages() { return pool_.counts().ledger.clean_bytes / kSmallPage; }

  typename Pool::Shards shards_{};
  Pool pool_{shards_};
};
using GlobalPoolBed = GlobalPoolBedOf<SmallLimits>;

}  // namespace ralloc_test
