#include "bench/trace/trace.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace ralloc::bench {
namespace {

constexpr std::size_t kHeadBytes = 32;
constexpr std::size_t kMostBytes = std::size_t{1} << 47;  // no program has more addresses
constexpr std::size_t kMostThreads = std::size_t{1} << 16;
constexpr std::uint32_t kDead = UINT32_MAX;

MappedArray<unsigned char> read_file(const std::string& path) {
  const auto failed = [&] { return TraceError(path + " cannot be read: " + std::strerror(errno)); };
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw failed();
  struct stat about;
  if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode)) {
    close(file);
    throw TraceError(path + " is no file");
  }
  MappedArray<unsigned char> bytes(std::size_t(about.st_size));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = read(file, bytes.data() + done, bytes.size() - done);
    if (count <= 0) break;
    done += std::size_t(count);
  }
  const TraceError error = failed();
  close(file);
  if (done < bytes.size()) throw error;
  return bytes;
}

// As zlib computes it.
std::uint32_t crc32(std::span<const unsigned char> bytes) {
  static constexpr auto kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
      table[i] = i;
      for (int bit = 0; bit < 8; ++bit) {
        table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xEDB88320u : 0u);
      }
    }
    return table;
  }();
  std::uint32_t crc = ~0u;
  for (const unsigned char byte : bytes) crc = crc >> 8 ^ kTable[(crc ^ byte) & 255];
  return ~crc;
}

}  // namespace

// Reads the bytes of one file; what no recording can hold ends it, so nothing is trusted.
class Decoder {
 public:
  Decoder(const std::string& path, std::span<const unsigned char> bytes)
      : path_(path), bytes_(bytes) {}

  Trace decode() {
    read_head();
    // Each operation may be a free, each birth may still be live at the end.
    trace_.operations_ = MappedArray<Operation>(operations_ + births_);
    block_of_birth_ = MappedArray<std::uint32_t>(births_);
    free_numbers_ = MappedArray<std::uint32_t>(births_);
    sizes_ = MappedArray<std::size_t>(births_);
    while (at_ < bytes_.size()) read_operation();
    if (trace_.count_ != operations_ || birth_ != births_) {
      fail("has other operations than it says");
    }
    trace_.recorded_ = trace_.count_;
    for (std::size_t birth = 0; birth < births_; ++birth) {
      if (block_of_birth_[birth] != kDead) take_back(birth);
    }
    return std::move(trace_);
  }

 private:
  [[noreturn]] void fail(const char* what) const { throw TraceError(path_ + " " + what); }

  void read_head() {
    if (bytes_.size() < 8 || std::memcmp(bytes_.data(), "MALLTRC1", 8) != 0) {
      fail("is no trace of malloc (one that ends in .xz is to be unpacked)");
    }
    if (bytes_.size() < kHeadBytes) fail("is cut off");
    at_ = 8;
    operations_ = fixed(8);
    births_ = fixed(8);
    trace_.threads_ = fixed(4);
    const std::size_t crc = fixed(4);
    const std::size_t body = bytes_.size() - kHeadBytes;
    if (crc32(bytes_.subspan(kHeadBytes)) != crc) fail("is cut off or damaged");
    // An operation has a byte at least; so a false count does not ask for endless tables.
    if (operations_ > body || births_ > operations_ || births_ >= kDead ||
        trace_.threads_ > kMostThreads) {
      fail("says to have more than it can have");
    }
  }

  std::size_t fixed(int count) {
    std::size_t number = 0;
    for (int i = 0; i < count; ++i) number |= std::size_t{bytes_[at_++]} << 8 * i;
    return number;
  }

  std::size_t number() {
    std::size_t number = 0;
    for (int shift = 0; at_ < bytes_.size() && shift < 63; shift += 7) {
      const unsigned char byte = bytes_[at_++];
      number |= std::size_t(byte & 127) << shift;
      if (byte < 128) return number;
    }
    fail("has a number without an end");
  }

  std::size_t size(std::size_t size) const {
    if (size > kMostBytes) fail("has a block that is larger than any can be");
    return size;
  }

  void read_operation() {
    const std::size_t what = number();
    const std::size_t value = what >> 3;
    switch (what & 7) {
      case 0:
        return allocate(Call::kAllocate, size(value), 0);
      case 1:
        return allocate(Call::kAllocateZeroed, size(value), 0);
      case 2: {
        const std::size_t align_log2 = number();
        if (align_log2 > 47) fail("has a block that is aligned as none can be");
        return allocate(Call::kAllocateAligned, size(value), std::uint8_t(align_log2));
      }
      case 3: {
        const std::size_t birth = live(value);
        return reallocate(birth, size(number()));
      }
      case 4:
        return take_back(live(value));
      case 5:
        if (value >= trace_.threads_) fail("has more threads than it says");
        thread_ = std::uint16_t(value);
        return;
      default:
        fail("has an operation of no kind");
    }
  }

  // The birth of a live block by its age.
  std::size_t live(std::size_t age) const {
    if (age >= birth_ || block_of_birth_[birth_ - 1 - age] == kDead) {
      fail("has a block that is freed twice, or before it is allocated");
    }
    return birth_ - 1 - age;
  }

  void allocate(Call call, std::size_t size, std::uint8_t align_log2) {
    const std::uint32_t block =
        free_count_ != 0 ? free_numbers_[--free_count_] : std::uint32_t(trace_.blocks_++);
    bear(block, size);
    add({size, block, thread_, align_log2, call});
  }

  void reallocate(std::size_t old, std::size_t size) {
    const std::uint32_t block = block_of_birth_[old];
    block_of_birth_[old] = kDead;
    live_bytes_ -= sizes_[block];
    bear(block, size);
    add({size, block, thread_, 0, Call::kReallocate});
  }

  void take_back(std::size_t birth) {
    const std::uint32_t block = block_of_birth_[birth];
    block_of_birth_[birth] = kDead;
    free_numbers_[free_count_++] = block;
    live_bytes_ -= sizes_[block];
    add({sizes_[block], block, thread_, 0, Call::kFree});
  }

  void bear(std::uint32_t block, std::size_t size) {
    if (birth_ == births_) fail("has more blocks than it says");
    block_of_birth_[birth_++] = block;
    sizes_[block] = size;
    live_bytes_ += size;
    trace_.peak_bytes_ = std::max(trace_.peak_bytes_, live_bytes_);
  }

  void add(const Operation& operation) {
    if (trace_.count_ == trace_.operations_.size()) fail("has more operations than it says");
    trace_.operations_[trace_.count_++] = operation;
  }

  const std::string& path_;
  const std::span<const unsigned char> bytes_;
  std::size_t at_ = 0;
  std::size_t operations_ = 0;
  std::size_t births_ = 0;

  Trace trace_;
  std::uint16_t thread_ = 0;
  std::size_t birth_ = 0;                     // how many there were
  MappedArray<std::uint32_t> block_of_birth_;  // kDead: freed, or reallocated since
  MappedArray<std::uint32_t> free_numbers_;    // of blocks; the last is used first
  std::size_t free_count_ = 0;
  MappedArray<std::size_t> sizes_;  // by number
  std::size_t live_bytes_ = 0;
};

Trace Trace::load(const std::string& path) {
  const MappedArray<unsigned char> bytes = read_file(path);
  return Decoder(path, {bytes.data(), bytes.size()}).decode();
}

}  // namespace ralloc::bench
