#include "model/operation_source.h"

#include <algorithm>
#include <bit>

#include "model/ways.h"

namespace ralloc_test {
namespace {

constexpr std::size_t kMostSize = 2 * kMiB;
constexpr std::size_t kAuditEvery = 8192;
constexpr std::size_t kTrimEvery = 20000;  // on average
constexpr std::uint32_t kOddAlignments[] = {
    2,   3,   5,   6,   7,    12,   20,   24,   30,   40,   48,    56,    80,    96,    100,
    144, 200, 360, 500, 1000, 1001, 3000, 3072, 4095, 4097, 12288, 33000, 65535, 65537, 196608};

}  // namespace

OperationSource::OperationSource(std::uint64_t seed, std::size_t most_bytes, bool exchanges)
    : random_(seed), most_bytes_(most_bytes), exchanges_(exchanges) {}

void OperationSource::put(std::uint32_t id, const Piece& piece) {
  next_id_ = std::max(next_id_, id + 1);
  live_.push_back({id, std::uint32_t(piece.size), is_resizable(piece.family)});
  bytes_ += piece.size;
}

void OperationSource::exchanged(const Piece* piece) {
  Live& live = live_[exchanged_];
  if (piece == nullptr) return drop(exchanged_);
  live.resizable = is_resizable(piece->family);
  resized(exchanged_, piece->size);
}

void OperationSource::resized(std::size_t position, std::size_t size) {
  bytes_ += size - live_[position].size;
  live_[position].size = std::uint32_t(size);
}

void OperationSource::drop(std::size_t position) {
  bytes_ -= live_[position].size;
  live_[position] = live_.back();
  live_.pop_back();
}

Operation OperationSource::next() {
  ++count_;
  if (phase_.operations_left-- == 0) begin_phase();
  if (count_ % kAuditEvery == 0) return {Operation::kAudit};
  if (random_.below(kTrimEvery) == 0) return {Operation::kTrim};
  if (live_.empty()) return allocate();
  if (bytes_ > most_bytes_) return free(pick());
  const std::size_t dice = random_.below(100);
  const std::size_t position = pick();
  if (exchanges_ && dice < 15) return exchange(position);
  if (dice >= 15 && dice < 30 && live_[position].resizable) return resize(position);
  if (phase_.parts && dice >= 30) {
    if (dice < 40) return resize_inplace(position);
    if (dice < 50) return free_part(position);
    if (dice < 54) return divide(position);
  }
  const bool grows = live_.size() < phase_.pieces_wanted;
  return random_.below(100) < (grows ? 70 : 30) ? allocate() : free(position);
}

void OperationSource::begin_phase() {
  phase_.operations_left = 100 + random_.below(10000);
  phase_.pieces_wanted = random_.below(std::size_t{1} << (6 + random_.below(8)));
  phase_.favourite_size = random_.below(2) == 0 ? any_size() : 0;
  phase_.newest_first = random_.below(2) == 0;
  phase_.parts = subject.parts != nullptr && random_.below(4) != 0;
}

// --- What is random ----------------------------------------------------------------------------

std::size_t OperationSource::any_size() {
  const std::size_t dice = random_.below(1000);
  if (dice < 500) return random_.below(std::size_t{1} << (4 + random_.below(7)));
  if (dice < 750) return size_at_a_boundary();
  if (dice < 985) return random_.below(std::size_t{1} << (10 + random_.below(6)));
  // Not more of the large ones: most of their time is the kernel's, for fresh pages.
  if (dice < 999) return random_.below(std::size_t{1} << (15 + random_.below(3)));
  return random_.below(kMostSize + 1);
}

// One less, exact, or one more: of a small class, of one of four in each doubling, of a page.
std::size_t OperationSource::size_at_a_boundary() {
  std::size_t size = 0;
  const std::size_t dice = random_.below(100);
  if (dice < 60) {
    size = 16 * random_.below(65);
  } else if (dice < 99) {
    size = (std::size_t{256} << random_.below(6)) * (4 + random_.below(5));
  } else {
    size = 64 * kKiB * random_.below(kMostSize / (64 * kKiB));
  }
  return size == 0 ? random_.below(2) : size - 1 + random_.below(3);
}

// A size to resize to.
std::size_t OperationSource::size_like(std::size_t size) {
  switch (random_.below(5)) {
    case 0: size += random_.below(size / 8 + 17); break;  // a little more
    case 1: size -= random_.below(size / 8 + 1); break;   // a little less
    case 2: size = size < 256 * kKiB ? 2 * size : size + size / 4; break;
    case 3: size = random_.below(size + 1); break;
    default: size = any_size();
  }
  return std::min(size, kMostSize);
}

std::uint32_t OperationSource::any_align() {
  const std::size_t dice = random_.below(200);
  if (dice < 100) return 16;
  if (subject.parts != nullptr && dice < 150) {
    const std::size_t any = random_.below(std::size(kOddAlignments) + 10);
    return any < std::size(kOddAlignments)
               ? kOddAlignments[any]
               : std::uint32_t(1 + random_.below(std::size_t{2} << random_.below(15)));
  }
  if (dice < 197) return std::uint32_t{1} << random_.below(17);
  return std::uint32_t{1} << (17 + random_.below(6));  // up to 4 MiB
}

std::size_t OperationSource::pick() {
  return phase_.newest_first ? live_.size() - 1 : random_.below(live_.size());
}

// --- Operations --------------------------------------------------------------------------------

Operation OperationSource::allocate() {
  std::size_t size = phase_.favourite_size;
  if (size == 0 || random_.below(2) == 0) size = any_size();
  Operation operation{Operation::kAllocate, any_way(), any_align(), next_id_++};
  operation.size = std::uint32_t(size);
  live_.push_back({operation.id, operation.size,
                   is_resizable(way_to_allocate(operation.way).makes)});
  bytes_ += size;
  return operation;
}

Operation OperationSource::free(std::size_t position) {
  const std::uint32_t id = live_[position].id;
  drop(position);
  return {Operation::kFree, any_way(), 0, id};
}

Operation OperationSource::resize(std::size_t position) {
  const std::size_t size = size_like(live_[position].size);
  resized(position, size);
  Operation operation{Operation::kResize, any_way(), 0, live_[position].id};
  if (random_.below(2) == 0) operation.align = any_align();
  operation.size = std::uint32_t(size);
  return operation;
}

Operation OperationSource::resize_inplace(std::size_t position) {
  const std::size_t size = size_like(live_[position].size);
  resized(position, size);
  Operation operation{random_.below(2) == 0 ? Operation::kInplace : Operation::kInplaceAtLeast,
                      0, 0, live_[position].id};
  operation.size = std::uint32_t(size);
  operation.from = std::uint32_t(random_.next());
  return operation;
}

// The front, the tail, or something between.
Operation OperationSource::free_part(std::size_t position) {
  Live& live = live_[position];
  if (live.size == 0) return free(position);
  const std::size_t where = random_.below(3);
  Operation operation{Operation::kFreePart, 0, 0, live.id, next_id_++};
  operation.from = where == 0 ? 0 : std::uint32_t(random_.below(live.size));
  operation.size = where == 1 ? live.size : std::uint32_t(1 + random_.below(live.size));
  if (std::size_t{operation.from} + operation.size < live.size) {
    const Live behind{operation.id2, live.size - operation.from - operation.size,
                      live.resizable};
    live_.push_back(behind);
    bytes_ += behind.size;
  }
  resized(position, operation.from);
  if (operation.from == 0) drop(position);
  return operation;
}

Operation OperationSource::divide(std::size_t position) {
  Live& live = live_[position];
  if (live.size < 2) return free(position);
  Operation operation{Operation::kDivide, 0, 0, live.id, next_id_++};
  operation.from = std::uint32_t(1 + random_.below(live.size - 1));
  const Live behind{operation.id2, live.size - operation.from, live.resizable};
  resized(position, operation.from);
  live_.push_back(behind);
  bytes_ += behind.size;
  return operation;
}

Operation OperationSource::exchange(std::size_t position) {
  exchanged_ = position;
  Operation operation{Operation::kExchange, 0, 0, live_[position].id};
  operation.size = std::uint32_t(random_.below(kExchangePlaces));
  return operation;
}

}  // namespace ralloc_test
