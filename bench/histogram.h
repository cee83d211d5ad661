#pragma once
// Latencies in a fixed array, each within 2 % of its value.
//
// Thread safety: none; each thread fills its own and one thread merges them at the end.
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace ralloc::bench {

class Histogram {
 public:
  void record(uint64_t nanoseconds) {
    counts_[index_of(nanoseconds)]++;
    total_++;
  }

  void merge(const Histogram& other) {
    for (size_t i = 0; i < counts_.size(); i++) counts_[i] += other.counts_[i];
    total_ += other.total_;
  }

  uint64_t total() const { return total_; }

  // The latency that `fraction` of all recorded ones do not pass.
  uint64_t percentile(double fraction) const {
    uint64_t rank = static_cast<uint64_t>(fraction * static_cast<double>(total_));
    uint64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); i++) {
      seen += counts_[i];
      if (seen > rank) return value_of(i);
    }
    return 0;
  }

 private:
  // Linear below kSteps, then kSteps / 2 equal steps to each power of two.
  static constexpr int kStepBits = 7;
  static constexpr uint64_t kSteps = uint64_t{1} << kStepBits;

  static size_t index_of(uint64_t value) {
    if (value < kSteps) return value;
    int shift = std::bit_width(value) - kStepBits;
    return static_cast<size_t>(shift) * (kSteps / 2) + (value >> shift);
  }

  static uint64_t value_of(size_t index) {
    if (index < kSteps) return index;
    uint64_t shift = index / (kSteps / 2) - 1;
    return (index - shift * (kSteps / 2)) << shift;
  }

  std::array<uint64_t, (64 - kStepBits + 2) * (kSteps / 2)> counts_{};
  uint64_t total_ = 0;
};

}  // namespace ralloc::bench
