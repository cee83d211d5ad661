// Parts of blocks: freed in any order and by any thread, moved, and resized.
#include <algorithm>
#include <cstddef>
#include <utility>

#include "integration/crew.h"
#include "integration/ideas.h"
#include "support/process.h"

namespace ralloc_test {
namespace {

void free_in_order(std::size_t order, Bytes& a, Bytes& b, Bytes& c) {
  Bytes* parts[] = {&a, &b, &c};
  for (std::size_t i = 0; i < order % 6; ++i) {
    std::next_permutation(std::begin(parts), std::end(parts));
  }
  for (Bytes* part : parts) part->free();
}

}  // namespace

void parts_of_63_at_three(const Steps& steps) {
  for (std::size_t i = 0; i < steps.of(600); ++i) {
    Bytes front(63, 3);
    Bytes end = front.split(8);
    Bytes middle = front.split(4);
    steps.between(front, middle, end);
    free_in_order(i, front, middle, end);
  }
}

void parts_of_64(const Steps& steps) {
  Vector<Bytes> first_halves;
  for (std::size_t i = 0; i < steps.of(600); ++i) {
    Bytes first(64);
    Bytes second = first.split(32);
    steps.between(second);
    if (i % 3 == 0) {
      Bytes last = second.split(16);
      steps.between(last, second);
      second.free();
    }
    if (i % 2 == 0) first_halves.push_back(std::move(first));
  }
  steps.between(first_halves);
}

void halves_by_two_threads(const Steps& steps) {
  Vector<Bytes> first;
  Vector<Bytes> second;
  for (std::size_t i = 0; i < steps.of(2'000); ++i) {
    first.emplace_back(200, 1);
    second.push_back(first.back().split(100));
  }
  steps.between(second);
  Crew crew;
  for (Vector<Bytes>* halves : {&first, &second}) {
    crew.add([halves = std::move(*halves)]() mutable { halves.clear(); });
  }
  crew.join();
}

void partial_realloc(const Steps& steps) {
  for (const std::size_t third : {16, 100, 333, 2'000, 10'000}) {
    Bytes front(3 * third);
    Bytes middle = front.split(third);
    Bytes end = middle.split(third);
    steps.between(front, end);
    middle.resize(2 * third);  // its old place is free now
    Bytes again = end.split(third / 2);
    const std::uintptr_t freed = again.address();
    again.resize(5 * third);
    // What is behind is free, unless the part has left the block.
    if (end.address() + end.size() == freed) must(end.resize_in_place(third));
    steps.between(front, middle, end, again);
    front.resize(third + 1);
    end.resize(3 * third);
  }
}

void parts_of_large_blocks(const Steps& steps) {
  constexpr std::size_t kOsPage = 4'096;
  for (std::size_t i = 0; i < steps.of(12); ++i) {
    Bytes front(70 * kOsPage + 123);
    Bytes end = front.split(50 * kOsPage + 1);
    Bytes middle = front.split(20 * kOsPage - 1);
    Bytes page = middle.split(8 * kOsPage);
    Bytes behind = page.split(kOsPage);
    page.free();
    Bytes other(20 * kOsPage);  // perhaps from what is free
    steps.between(behind, front, end);
    free_in_order(i, middle, end, front);
  }
}

void crumbs_in_any_order(const Steps& steps) {
  Random random(steps.seed());
  for (std::size_t i = 0; i < steps.of(200); ++i) {
    Vector<Bytes> crumbs;
    crumbs.emplace_back(100 + random.below(i % 10 == 0 ? 40'000 : 3'000), 1 + random.below(40));
    // Always the last is split.
    while (crumbs.back().size() > 1) {
      const std::size_t most = std::min<std::size_t>(crumbs.back().size() - 1, 300);
      Bytes rest = crumbs.back().split(1 + random.below(most));
      crumbs.push_back(std::move(rest));
    }
    for (std::size_t c = crumbs.size(); c > 1; --c) crumbs[c - 1].swap(crumbs[random.below(c)]);
    const std::size_t half = crumbs.size() / 2;
    while (crumbs.size() > half) crumbs.pop_back();
    steps.between(crumbs);
  }
}

void many_owners_of_one_block(const Steps& steps) {
  constexpr std::size_t kOwners = 12;
  for (std::size_t i = 0; i < steps.of(24); ++i) {
    Bytes rest(kOwners * 150 * (i % 3 == 0 ? 20 : 1));
    const std::size_t size = rest.size() / kOwners;
    Crew owners;
    for (std::size_t o = 0; o < kOwners; ++o) {
      Bytes part = std::move(rest);
      if (o + 1 < kOwners) rest = part.split(size);
      owners.add([&steps, o, part = std::move(part)]() mutable {
        switch (o % 4) {
          case 0: part.free(); break;
          case 1: part.resize(2 * part.size()); break;
          case 2: must(part.resize_in_place(part.size() - 20)); break;
          default: steps.between(part);
        }
      });
    }
    owners.join();
  }
}

// So many that the records of their parts, too, may be refused.
void holes_in_many_blocks(const Steps& steps) {
  constexpr std::size_t kBlocks = 120;
  Vector<Bytes> pieces;
  pieces.reserve(2 * kBlocks);
  for (std::size_t i = 0; i < kBlocks; ++i) {
    Bytes front(30'000);
    Bytes rest = front.split(15'000);
    if (!front.resize_in_place(14'000)) {
      front.join(std::move(rest));  // to be freed whole, which takes no record
      throw std::bad_alloc();
    }
    pieces.push_back(std::move(front));
    pieces.push_back(std::move(rest));
  }
  steps.between(pieces);
}

}  // namespace ralloc_test
