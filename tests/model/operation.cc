#include "model/operation.h"

#include <algorithm>
#include <string_view>

#include "model/ways.h"

namespace ralloc_test {
namespace {

constexpr std::size_t kMostSize = 2 * kMiB;
constexpr std::size_t kAuditEvery = 8192;
constexpr std::size_t kTrimEvery = 10000;  // on average
constexpr std::size_t kPlaces = 64;

void replace_all(std::string& text, std::string_view from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

std::string text_of(const Operation& operation, Family family, std::size_t old_size) {
  const std::string block = "b" + std::to_string(operation.id);
  std::string text;
  switch (operation.kind) {
    case Operation::kAllocate:
      text = way_to_allocate(operation).text;
      text = text.find("&BLOCK") == text.npos ? "void* BLOCK = " + text + ";"
                                              : "void* BLOCK; " + text + ";";
      break;
    case Operation::kFree:
      text = std::string(way_to_free(operation, family).text) + ";";
      break;
    case Operation::kResize:
      text = "BLOCK = " + std::string(way_to_resize(operation, family).text) + ";";
      break;
    case Operation::kExchange: return "// swap " + block + " with place " +
                                      std::to_string(operation.size);
    case Operation::kTrim: return "// trim";
    case Operation::kAudit: return "// audit";
  }
  const std::size_t size = operation.kind == Operation::kFree ? old_size : operation.size;
  replace_all(text, "BLOCK", block);
  replace_all(text, "SIZE", std::to_string(size));
  replace_all(text, "OLD", std::to_string(old_size));
  replace_all(text, "ALIGN", std::to_string(operation.alignment()));
  return text;
}

OperationSource::OperationSource(std::uint64_t seed, std::size_t most_bytes, bool exchanges)
    : random_(seed), most_bytes_(most_bytes), exchanges_(exchanges) {}

void OperationSource::put(std::uint32_t id, const Block* block) {
  const auto at = std::find_if(live_.rbegin(), live_.rend(),
                               [&](const Live& live) { return live.id == id; });
  if (at != live_.rend()) {
    bytes_ -= at->size;
    *at = live_.back();
    live_.pop_back();
  }
  next_id_ = std::max(next_id_, id + 1);
  if (block == nullptr) return;
  live_.push_back({id, std::uint32_t(block->size), is_resizable(block->family)});
  bytes_ += block->size;
}

Operation OperationSource::next() {
  ++count_;
  if (phase_.operations_left-- == 0) begin_phase();
  if (count_ % kAuditEvery == 0) return {Operation::kAudit, 0, 0};
  if (random_.below(kTrimEvery) == 0) return {Operation::kTrim, 0, 0};
  if (live_.empty()) return allocate();
  if (bytes_ > most_bytes_) return free(pick());
  const std::size_t dice = random_.below(100);
  if (dice < 15) {
    const std::size_t position = pick();
    if (live_[position].resizable) return resize(position);
  } else if (exchanges_ && dice < 30) {
    return {Operation::kExchange, 0, 0, live_[pick()].id, std::uint32_t(random_.below(kPlaces))};
  }
  const bool grows = live_.size() < phase_.blocks_wanted;
  return random_.below(100) < (grows ? 70 : 30) ? allocate() : free(pick());
}

void OperationSource::begin_phase() {
  phase_.operations_left = 100 + random_.below(10000);
  phase_.blocks_wanted = random_.below(std::size_t{1} << (6 + random_.below(8)));
  phase_.favourite_size = random_.below(2) == 0 ? any_size() : 0;
  phase_.newest_first = random_.below(2) == 0;
}

std::size_t OperationSource::any_size() {
  const std::size_t dice = random_.below(1000);
  if (dice < 500) return random_.below(std::size_t{1} << (4 + random_.below(7)));
  if (dice < 750) return size_at_a_boundary();
  if (dice < 950) return random_.below(std::size_t{1} << (10 + random_.below(6)));
  if (dice < 995) return random_.below(std::size_t{1} << (15 + random_.below(3)));
  return random_.below(kMostSize + 1);
}

// One less, exact, or one more: of a small class, of one of four in each doubling, of a page.
std::size_t OperationSource::size_at_a_boundary() {
  std::size_t size = 0;
  const std::size_t dice = random_.below(100);
  if (dice < 60) {
    size = 16 * random_.below(65);
  } else if (dice < 95) {
    size = (std::size_t{256} << random_.below(6)) * (4 + random_.below(5));
  } else {
    size = 64 * kKiB * random_.below(kMostSize / (64 * kKiB));
  }
  return size == 0 ? random_.below(2) : size - 1 + random_.below(3);
}

std::uint8_t OperationSource::any_align() {
  const std::size_t dice = random_.below(100);
  if (dice < 50) return 4;
  if (dice < 98) return std::uint8_t(random_.below(17));
  return std::uint8_t(17 + random_.below(6));  // up to 4 MiB
}

std::size_t OperationSource::pick() {
  return phase_.newest_first ? live_.size() - 1 : random_.below(live_.size());
}

Operation OperationSource::allocate() {
  std::size_t size = phase_.favourite_size;
  if (size == 0 || random_.below(2) == 0) size = any_size();
  const Operation operation{Operation::kAllocate, any_way(), any_align(), next_id_++,
                            std::uint32_t(size)};
  live_.push_back({operation.id, operation.size,
                   is_resizable(way_to_allocate(operation).makes)});
  bytes_ += size;
  return operation;
}

Operation OperationSource::free(std::size_t position) {
  const Live live = live_[position];
  live_[position] = live_.back();
  live_.pop_back();
  bytes_ -= live.size;
  return {Operation::kFree, any_way(), 0, live.id};
}

Operation OperationSource::resize(std::size_t position) {
  Live& live = live_[position];
  std::size_t size = any_size();
  switch (random_.below(4)) {
    case 0: size = live.size + random_.below(live.size / 8 + 17); break;  // a little more
    case 1: size = live.size - random_.below(live.size / 8 + 1); break;   // a little less
    case 2: size = 2 * std::size_t{live.size}; break;
    default: break;
  }
  size = std::clamp(size, least_resize(), kMostSize);
  bytes_ += size - live.size;
  live.size = std::uint32_t(size);
  return {Operation::kResize, any_way(), any_align(), live.id, live.size};
}

}  // namespace ralloc_test
