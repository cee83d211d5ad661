#include "model/player.h"

#include <algorithm>
#include <utility>

#include "model/ways.h"

namespace ralloc_test {

Player::Player(std::size_t lane, std::uint64_t seed, Place* places)
    : lane_(lane), seed_(seed), places_(places) {}

Block& Player::at(std::uint32_t id) {
  if (id >= blocks_.size()) blocks_.resize(std::max<std::size_t>(2 * blocks_.size(), id + 1));
  return blocks_[id];
}

const Block* Player::block(std::uint32_t id) const {
  return id < blocks_.size() && blocks_[id].begin != nullptr ? &blocks_[id] : nullptr;
}

void Player::play(const Operation& operation) {
  const Block before = at(operation.id);
  journal_.note(lane_, operation, before.family, before.size);
  switch (operation.kind) {
    case Operation::kAllocate: return allocate(operation);
    case Operation::kFree: return free(operation);
    case Operation::kResize: return resize(operation);
    case Operation::kExchange: return exchange(operation);
    case Operation::kTrim: return subject.trim();
    case Operation::kAudit:
      if (!subject.is_valid()) journal_.fail(lane_, "the subject finds itself invalid");
  }
}

// --- Operations --------------------------------------------------------------------------------

void Player::allocate(const Operation& operation) {
  const AllocateWay& way = way_to_allocate(operation);
  Block& block = at(operation.id);
  const std::size_t align = way.aligns ? operation.alignment() : 1;
  block.family = way.makes;
  measure(block, way.call(operation.size, align), operation.size, align);
  if (way.zeroes) check_zeros(block);
  block.stamp = seed_ ^ ++stamps_ * 0xd6e8feb86659fd93;
  write_stamp(block.begin, 0, block.written, block.stamp);
  add(block);
}

void Player::free(const Operation& operation) {
  Block& block = at(operation.id);
  free_block(block, way_to_free(operation, block.family));
  block = {};
}

void Player::resize(const Operation& operation) {
  Block& block = at(operation.id);
  const ResizeWay& way = way_to_resize(operation, block.family);
  const Block old = block;
  const std::size_t align = way.aligns ? operation.alignment() : 1;
  check_contents(old, old.written);
  live_.remove(old);
  measure(block, way.call(old.begin, old.size, operation.size, align), operation.size, align);
  const std::size_t kept = std::min(old.size, block.size);
  check_contents(block, kept);
  write_stamp(block.begin, kept, block.written, block.stamp);
  block.family = kPlain;
  add(block);
}

void Player::exchange(const Operation& operation) {
  Block& block = at(operation.id);
  check_contents(block, block.written);
  live_.remove(block);
  Place& place = places_[operation.size];
  {
    std::scoped_lock lock(place.mutex);
    std::swap(block, place.block);
  }
  if (block.begin == nullptr) return;
  check_contents(block, block.written);
  add(block);
}

// --- Checks ------------------------------------------------------------------------------------

// Fills in what the subject gave.
void Player::measure(Block& block, const void* begin, std::size_t size, std::size_t align) {
  if (begin == nullptr) journal_.fail(lane_, "no memory for %zu bytes", size);
  block.begin = static_cast<unsigned char*>(const_cast<void*>(begin));
  block.size = size;
  block.align = align;
  if (block.first() % std::max<std::size_t>(align, 16) != 0) {
    journal_.fail(lane_, "%p is not aligned to %zu", begin, std::max<std::size_t>(align, 16));
  }
  block.usable = subject.usable_size(block.begin);
  if (block.usable < size) {
    journal_.fail(lane_, "%p has %zu usable bytes of %zu", begin, block.usable, size);
  }
  block.written = subject.usable_is_writable ? block.usable : size;
}

void Player::add(const Block& block) {
  if (const Block* other = live_.add(block)) {
    journal_.fail(lane_, "block %p of %zu bytes overlaps the live block %p of %zu bytes",
                  static_cast<void*>(block.begin), block.written,
                  static_cast<void*>(other->begin), other->written);
  }
}

void Player::check_contents(const Block& block, std::size_t size) {
  const std::size_t damaged = find_damage(block.begin, size, block.stamp);
  if (damaged != size) {
    journal_.fail(lane_, "byte %zu of block %p of %zu bytes is %#x and not %#x", damaged,
                  static_cast<void*>(block.begin), block.size, block.begin[damaged],
                  stamp_byte(block.stamp, damaged));
  }
}

void Player::check_zeros(const Block& block) {
  if (!is_filled(block.begin, block.size, 0)) {
    journal_.fail(lane_, "zeroed block %p of %zu bytes is not all zeros",
                  static_cast<void*>(block.begin), block.size);
  }
}

void Player::free_block(const Block& block, const FreeWay& way) {
  check_contents(block, block.written);
  const std::size_t usable = subject.usable_size(block.begin);
  if (usable != block.usable) {
    journal_.fail(lane_, "the usable size of %p was %zu and is %zu",
                  static_cast<void*>(block.begin), block.usable, usable);
  }
  live_.remove(block);
  way.call(block.begin, block.size, block.align);
}

void Player::check_bytes_in_use(std::size_t elsewhere) {
  const std::size_t wanted = elsewhere + live_.usable_bytes();
  const std::size_t told = subject.bytes_in_use();
  const std::size_t difference = told > wanted ? told - wanted : wanted - told;
  if (difference > subject.bytes_in_use_slack) {
    journal_.fail(lane_, "the subject says that %zu bytes are in use; it should be %zu", told,
                  wanted);
  }
}

// --- All blocks --------------------------------------------------------------------------------

void Player::adopt(std::uint32_t id, const Block& block) {
  at(id) = block;
  check_contents(block, block.written);
  add(block);
}

std::pmr::vector<Block> Player::give_all() {
  std::pmr::vector<Block> all(MappedMemory::instance());
  for (Block& block : blocks_) {
    if (block.begin == nullptr) continue;
    live_.remove(block);
    all.push_back(std::exchange(block, {}));
  }
  return all;
}

void Player::free_all() {
  blocks_.clear();
  while (live_.begin() != live_.end()) {
    const Block block = live_.begin()->second;
    free_block(block, way_for(subject.free_ways, 0, block.family));
  }
}

}  // namespace ralloc_test
