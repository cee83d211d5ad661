#pragma once
// What the server of server_load.cc keeps: stamped buffers, sessions, and the bounded
// cache that replaces sessions over time.
//
// Thread safety: SessionCache may be used by all threads; the rest belongs to one thread
// at a time.
//
// Invariants: S1 every byte of a Buffer holds what its stamp says, from fill() or
// append() to its end. S2 a shard of the cache never holds more than its limit between
// two calls.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace ralloc::bench {

// Says what is corrupt, and aborts: the load is a test as well.
[[noreturn]] void fail(const char* what);

// Small and fast; the same seed gives the same requests.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next();
  // Uniform in [low, high].
  uint64_t between(uint64_t low, uint64_t high) { return low + next() % (high - low + 1); }
  bool one_in(uint64_t n) { return next() % n == 0; }
  // Log-uniform in [low, high]: as many small ones as there are large ones for each
  // doubling, as sizes in real programs tend to be.
  size_t skewed(size_t low, size_t high);

 private:
  uint64_t state_;
};

// Memory from malloc and realloc, wholly written, and verified before it is freed.
class Buffer {
 public:
  Buffer() = default;
  Buffer(size_t size, uint64_t stamp) : stamp_(stamp) { append(size); }
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer();

  // Grows by `size` bytes through realloc, and writes them.
  void append(size_t size);
  size_t size() const { return size_; }

 private:
  void swap(Buffer& other) noexcept;
  void verify() const;

  unsigned char* data_ = nullptr;
  size_t size_ = 0;
  uint64_t stamp_ = 0;
};

// What the server remembers of a client: some of it for long, some of it replaced at
// each visit.
struct Session {
  Session(uint64_t id, Random& random);
  // One request: an attribute is set, the oldest page of the history is replaced.
  void visit(const std::string& path, Random& random);

  uint64_t id;
  std::string user;
  std::unordered_map<std::string, std::string> attributes;
  std::vector<Buffer> history;
  size_t oldest = 0;
};

class SessionCache {
 public:
  explicit SessionCache(size_t limit) : limit_of_shard_(limit / kShards) {}

  // Visits the session, made if it is not there. A session that had to leave for it is
  // returned, for another thread to destroy.
  std::unique_ptr<Session> visit(uint64_t id, const std::string& path, Random& random);

  // As when the clients of the day have gone: keeps `limit` sessions, returns the others.
  std::vector<std::unique_ptr<Session>> shrink(size_t limit);

 private:
  static constexpr size_t kShards = 64;
  struct Shard {
    std::mutex mutex;
    std::unordered_map<uint64_t, std::unique_ptr<Session>> sessions;
    std::deque<uint64_t> arrivals;  // in order; the first leaves first
  };

  static std::unique_ptr<Session> evict(Shard& shard);

  Shard shards_[kShards];
  std::atomic<size_t> limit_of_shard_;
};

}  // namespace ralloc::bench
