#include "server_state.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace ralloc::bench {

void fail(const char* what) {
  fprintf(stderr, "server_load: %s\n", what);
  abort();
}

uint64_t Random::next() {
  uint64_t z = state_ += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

size_t Random::skewed(size_t low, size_t high) {
  auto doublings = static_cast<uint64_t>(std::bit_width(high / low) - 1);
  size_t base = low << between(0, doublings);
  return std::min(high, base + next() % base);
}

// --- Buffer ----------------------------------------------------------------------------
// The byte at each place follows from the stamp, so that a block handed out twice, moved
// wrongly or cut short shows.
static unsigned char byte_at(uint64_t stamp, size_t block) {
  return static_cast<unsigned char>(stamp >> (block % 8 * 8));
}
static constexpr size_t kRun = 64;

void Buffer::append(size_t size) {
  auto* grown = static_cast<unsigned char*>(realloc(data_, size_ + size));
  if (!grown) fail("out of memory");
  data_ = grown;
  size_t end = size_ + size;
  while (size_ < end) {
    size_t run = std::min(kRun - size_ % kRun, end - size_);
    memset(data_ + size_, byte_at(stamp_, size_ / kRun), run);
    size_ += run;
  }
}

void Buffer::verify() const {
  for (size_t at = 0; at < size_;) {
    size_t run = std::min(kRun, size_ - at);
    unsigned char expected[kRun];
    memset(expected, byte_at(stamp_, at / kRun), kRun);
    if (memcmp(data_ + at, expected, run) != 0) fail("a buffer lost its contents");
    at += run;
  }
}

Buffer::~Buffer() {
  verify();
  free(data_);
}

void Buffer::swap(Buffer& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(stamp_, other.stamp_);
}

// --- Sessions --------------------------------------------------------------------------
Session::Session(uint64_t id, Random& random)
    : id(id), user("user-" + std::to_string(id) + std::string(random.between(0, 40), 'u')) {
  for (uint64_t i = random.between(2, 8); i > 0; i--) {
    attributes["attribute-" + std::to_string(i)] = std::string(random.skewed(8, 128), 'a');
  }
  for (uint64_t i = random.between(1, 6); i > 0; i--) {
    history.emplace_back(random.skewed(32, 2048), random.next());
  }
}

void Session::visit(const std::string& path, Random& random) {
  if (user.compare(0, 5, "user-") != 0 || strtoull(user.c_str() + 5, nullptr, 10) != id) {
    fail("a session has the user of another");
  }
  attributes["last-path"] = path;
  history[oldest] = Buffer(random.skewed(32, 2048), random.next());
  oldest = (oldest + 1) % history.size();
}

std::unique_ptr<Session> SessionCache::evict(Shard& shard) {
  auto leaving = shard.sessions.extract(shard.arrivals.front());
  shard.arrivals.pop_front();
  if (leaving.empty()) fail("the cache lost a session");
  return std::move(leaving.mapped());
}

std::unique_ptr<Session> SessionCache::visit(uint64_t id, const std::string& path,
                                             Random& random) {
  Shard& shard = shards_[id % kShards];
  std::unique_ptr<Session> left;
  std::lock_guard lock(shard.mutex);
  auto [place, is_new] = shard.sessions.try_emplace(id);
  if (is_new) {
    place->second = std::make_unique<Session>(id, random);
    shard.arrivals.push_back(id);
  }
  place->second->visit(path, random);
  // Relaxed: a limit that changes a moment late is no harm.
  if (shard.sessions.size() > limit_of_shard_.load(std::memory_order_relaxed)) {
    left = evict(shard);
  }
  return left;
}

std::vector<std::unique_ptr<Session>> SessionCache::shrink(size_t limit) {
  limit_of_shard_.store(limit / kShards, std::memory_order_relaxed);
  std::vector<std::unique_ptr<Session>> left;
  for (Shard& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    while (shard.sessions.size() > limit / kShards) left.push_back(evict(shard));
  }
  return left;
}

}  // namespace ralloc::bench
