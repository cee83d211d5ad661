// The list of ideas: short programs, each with one thing that an allocator may get wrong. Each
// is run in every way (ways.h).
//
// An idea allocates through owned.h. It throws std::bad_alloc when memory is refused, with
// nothing lost and no thread left behind; it may run in many threads at once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "integration/owned.h"
#include "support/build.h"

namespace ralloc_test {

// What a way of running tells the idea.
//
// Thread safety: constant.
class Steps {
 public:
  // `share`: one in so many of an idea's thousands is enough.
  constexpr Steps(std::uint64_t seed, bool moves, std::size_t share)
      : seed_(seed), moves_(moves), share_(kSanitized ? 6 * share : share) {}

  // Between two steps of an idea: perhaps all of `things` get new memory.
  template <class... Things>
  void between(Things&... things) const {
    if (moves_) (move_elsewhere(things), ...);
  }
  // Of so many, those that this way has time for; at least two.
  std::size_t of(std::size_t many) const { return many / share_ < 2 ? 2 : many / share_; }
  std::uint64_t seed() const { return seed_; }

 private:
  std::uint64_t seed_;
  bool moves_;
  std::size_t share_;
};

struct Idea {
  const char* name;
  void (*run)(const Steps&);
};

// ideas_threads.cc
void data_shared_by_detached_threads(const Steps&);
void data_freed_after_their_tls(const Steps&);
void boxes_made_here_freed_there(const Steps&);
void boxes_freed_in_a_third_thread(const Steps&);
void thousands_of_joins(const Steps&);
void ten_producers_one_channel(const Steps&);
void twenty_pushing_threads(const Steps&);
void blocks_that_go_round(const Steps&);
// ideas_alignments.cc
void thirty_bytes_at_three(const Steps&);
void five_hundred_bytes_at_twenty(const Steps&);
void every_small_alignment(const Steps&);
void large_blocks_at_odd_alignments(const Steps&);
// ideas_parts.cc
void parts_of_63_at_three(const Steps&);
void parts_of_64(const Steps&);
void halves_by_two_threads(const Steps&);
void partial_realloc(const Steps&);
void parts_of_large_blocks(const Steps&);
void crumbs_in_any_order(const Steps&);
void many_owners_of_one_block(const Steps&);
void holes_in_many_blocks(const Steps&);
// ideas_growth.cc
void exact_growth(const Steps&);
void amortised_growth(const Steps&);
void reserve_to_the_byte(const Steps&);
void shrink_and_grow_in_place(const Steps&);
void all_that_a_block_has(const Steps&);
void growth_from_thread_to_thread(const Steps&);
// ideas_containers.cc
void maps(const Steps&);
void strings(const Steps&);
void vectors_of_boxes(const Steps&);
void lists_of_blocks(const Steps&);
void no_bytes_at_all(const Steps&);
// ideas_system.cc
void sbrk_interleaved(const Steps&);
void handlers_that_allocate(const Steps&);

inline constexpr Idea kIdeas[] = {
    {"DataSharedByDetachedThreads", data_shared_by_detached_threads},
    {"DataFreedAfterTheirTls", data_freed_after_their_tls},
    {"BoxesMadeHereFreedThere", boxes_made_here_freed_there},
    {"BoxesFreedInAThirdThread", boxes_freed_in_a_third_thread},
    {"ThousandsOfJoins", thousands_of_joins},
    {"TenProducersOneChannel", ten_producers_one_channel},
    {"TwentyPushingThreads", twenty_pushing_threads},
    {"BlocksThatGoRound", blocks_that_go_round},
    {"ThirtyBytesAtThree", thirty_bytes_at_three},
    {"FiveHundredBytesAtTwenty", five_hundred_bytes_at_twenty},
    {"EverySmallAlignment", every_small_alignment},
    {"LargeBlocksAtOddAlignments", large_blocks_at_odd_alignments},
    {"PartsOf63AtThree", parts_of_63_at_three},
    {"PartsOf64", parts_of_64},
    {"HalvesByTwoThreads", halves_by_two_threads},
    {"PartialRealloc", partial_realloc},
    {"PartsOfLargeBlocks", parts_of_large_blocks},
    {"CrumbsInAnyOrder", crumbs_in_any_order},
    {"ManyOwnersOfOneBlock", many_owners_of_one_block},
    {"HolesInManyBlocks", holes_in_many_blocks},
    {"ExactGrowth", exact_growth},
    {"AmortisedGrowth", amortised_growth},
    {"ReserveToTheByte", reserve_to_the_byte},
    {"ShrinkAndGrowInPlace", shrink_and_grow_in_place},
    {"AllThatABlockHas", all_that_a_block_has},
    {"GrowthFromThreadToThread", growth_from_thread_to_thread},
    {"Maps", maps},
    {"Strings", strings},
    {"VectorsOfBoxes", vectors_of_boxes},
    {"ListsOfBlocks", lists_of_blocks},
    {"NoBytesAtAll", no_bytes_at_all},
    {"SbrkInterleaved", sbrk_interleaved},
    {"HandlersThatAllocate", handlers_that_allocate},
};

}  // namespace ralloc_test
