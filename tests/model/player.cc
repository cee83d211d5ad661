#include "model/player.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "model/contents.h"
#include "model/ways.h"

namespace ralloc_test {

Player::Player(std::size_t lane, std::uint64_t seed, Place* places)
    : lane_(lane), seed_(seed), places_(places) {}

Piece& Player::at(std::uint32_t id) {
  if (id >= pieces_.size()) pieces_.resize(std::max<std::size_t>(2 * pieces_.size(), id + 1));
  return pieces_[id];
}

const Piece* Player::piece(std::uint32_t id) const {
  return id < pieces_.size() && pieces_[id].begin != nullptr ? &pieces_[id] : nullptr;
}

void Player::play(const Operation& operation) {
  at(operation.id2);  // makes place for both: pieces stay where they are from here on
  const Step step = resolve(operation, at(operation.id));
  journal_.note(lane_, step);
  switch (step.kind) {
    case Operation::kAllocate: return allocate(step);
    case Operation::kFree: return free(step);
    case Operation::kFreePart: return free_part(step);
    case Operation::kDivide: return divide(step);
    case Operation::kResize: return resize(step);
    case Operation::kInplace:
    case Operation::kInplaceAtLeast: return resize_inplace(step);
    case Operation::kExchange: return exchange(step);
    case Operation::kTrim: return subject.trim();
    case Operation::kAudit:
      if (!subject.is_valid()) journal_.fail(lane_, "the subject finds itself invalid");
      return;
    case Operation::kNothing: return;
  }
}

// --- Operations --------------------------------------------------------------------------------

void Player::allocate(const Step& step) {
  const AllocateWay& way = way_to_allocate(step.way);
  const std::size_t align = way.aligns ? step.align : subject.default_align;
  const Given given = way.at_least != nullptr ? way.at_least(step.size, align)
                                              : Given{way.call(step.size, align), step.size};
  Piece block = fresh_piece(given.begin, given.size, step.size, align);
  if (std::has_single_bit(align)) measure(block);
  journal_.came_out(lane_, given.size);
  block.root = step.id;
  block.family = way.makes;
  add(at(step.id), block);
  if (way.zeroes || subject.zeroes_all) check_zeros(block);
  stamp(at(step.id), true);
}

void Player::free(const Step& step) {
  Piece& piece = at(step.id);
  const Piece old = piece;
  check_contents(old);
  check_usable(old);
  remove(piece);
  way_to_free(step).call(old.begin, old.size, old.align);
}

void Player::free_part(const Step& step) {
  Piece& piece = at(step.id);
  const Piece old = piece;
  const std::size_t behind = step.from + step.size;
  check_contents(old);
  remove(piece);
  // What is left is whole again before the call, which may not touch it.
  if (step.from != 0) {
    add(piece, old.part(0, step.from));
    stamp(piece, false);
  }
  if (step.has_rest) {
    add(at(step.id2), old.part(behind, old.size - behind));
    stamp(at(step.id2), false);
  }
  way_to_free(step).call(old.begin + step.from, step.size, 1);
}

void Player::divide(const Step& step) {
  Piece& piece = at(step.id);
  const Piece old = piece;
  check_contents(old);
  remove(piece);
  add(piece, old.part(0, step.from));
  add(at(step.id2), old.part(step.from, old.size - step.from));
  stamp(piece, false);
  stamp(at(step.id2), false);
}

void Player::resize(const Step& step) {
  const ResizeWay& way = way_to_resize(step);
  const Piece old = at(step.id);
  const std::size_t align = way.aligns ? step.align : subject.default_align;
  check_contents(old);
  remove(at(step.id));
  Piece now = fresh_piece(way.call(old.begin, old.size, step.size, align), step.size, step.size,
                          align);
  now.root = old.root;
  now.stamp = old.stamp;
  now.position = old.position;
  now.period = old.period;
  if (now.begin == old.begin ? old.usable != 0 : std::has_single_bit(align)) measure(now);
  add(at(step.id), now);
  check_contents(old, now.begin, std::min(old.size, now.size));
  check_added_zeros(now, old.size);
  stamp(at(step.id), false);
}

void Player::resize_inplace(const Step& step) {
  Piece& piece = at(step.id);
  const Piece old = piece;
  check_contents(old);
  if (step.size == 0) {  // frees it
    remove(piece);
    if (call_inplace(step, old) == 0) {
      journal_.fail(lane_, "%zu bytes do not become 0 in place", old.size);
    }
    return;
  }
  // What is certainly live throughout stays so in the model.
  const std::size_t kept = std::max<std::size_t>(std::min(old.size, step.size), 1);
  count(old, false);
  live_.divide(old.first() + kept);
  make_free(old.begin + kept, old.taken() - kept);
  const std::size_t outcome = call_inplace(step, old);
  journal_.came_out(lane_, outcome);
  check_outcome(step, outcome);
  Piece now = old;
  if (outcome != 0 && outcome != old.size) {
    now.size = now.extent = outcome;
    if (old.usable != 0) measure(now);
  }
  make_live(now.begin + kept, now.taken() - kept);
  count(now, true);
  check_contents(old, now.begin, std::min(old.size, now.size));
  check_added_zeros(now, old.size);
  if (outcome == 0) check_usable(old);
  piece = now;
  stamp(piece, false);
}

std::size_t Player::call_inplace(const Step& step, const Piece& piece) {
  const PartWays& ways = *subject.parts;
  if (step.kind == Operation::kInplace) {
    const bool done = ways.inplace(piece.begin, piece.size, step.size);
    return done ? std::max<std::size_t>(step.size, 1) : 0;
  }
  return ways.inplace_at_least(piece.begin, piece.size, step.least, step.size);
}

void Player::exchange(const Step& step) {
  Piece& piece = at(step.id);
  if (piece.begin != nullptr) {
    check_contents(piece);
    count(piece, false);
  }
  Place& place = places_[step.size];
  {
    std::scoped_lock lock(place.mutex);
    std::swap(piece, place.piece);
  }
  if (piece.begin == nullptr) return;
  check_contents(piece);
  count(piece, true);
}

// --- All pieces --------------------------------------------------------------------------------

void Player::adopt(std::uint32_t id, const Piece& piece) {
  at(id) = piece;
  check_contents(piece);
  count(piece, true);
}

std::pmr::vector<Piece> Player::give_all() {
  std::pmr::vector<Piece> all(MappedMemory::instance());
  for (Piece& piece : pieces_) {
    if (piece.begin == nullptr) continue;
    count(piece, false);
    all.push_back(std::exchange(piece, {}));
  }
  return all;
}

void Player::free_all() {
  std::pmr::vector<std::uint32_t> numbers(MappedMemory::instance());
  for (std::uint32_t id = 0; id < pieces_.size(); ++id) {
    if (pieces_[id].begin != nullptr) numbers.push_back(id);
  }
  std::sort(numbers.begin(), numbers.end(), [&](std::uint32_t a, std::uint32_t b) {
    return pieces_[a].begin < pieces_[b].begin;
  });
  // By steps, which the journal has: this may go wrong too.
  for (const std::uint32_t id : numbers) play({Operation::kFree, 0, 0, id});
}

}  // namespace ralloc_test
