#include "fuzz/decode.h"

#include <vector>

#include "model/mapped_memory.h"

namespace ralloc_test {
namespace {

constexpr std::uint32_t kOddAlignments[] = {3, 6, 24, 30, 48, 96, 1000, 3072, 4097, 12288};
constexpr std::size_t kMostAllocated = std::size_t{1} << 26;  // bytes, in one input

class Bytes {
 public:
  explicit Bytes(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  bool is_empty() const { return at_ >= bytes_.size(); }
  std::uint32_t byte() { return at_ < bytes_.size() ? bytes_[at_++] : (++at_, 0); }

  // 4 bits of exponent, 12 of mantissa: each number up to 4096, and some up to 1 MiB.
  std::uint32_t number() {
    const std::uint32_t low = byte();
    const std::uint32_t high = byte();
    const std::uint32_t mantissa = low | (high & 15) << 8;
    const std::uint32_t exponent = high >> 4;
    return exponent <= 8 ? mantissa << exponent : mantissa >> (exponent - 8);
  }

  // 16, a smaller or a larger power of two, or an odd one.
  std::uint32_t align() {
    const std::uint32_t one = byte();
    if (one < 128) return 16;
    if (one < 192) return std::uint32_t{1} << (one % 17);
    return one < 250 ? kOddAlignments[one % std::size(kOddAlignments)] : 1 + number();
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

constexpr Operation::Kind kKinds[] = {
    Operation::kAllocate, Operation::kAllocate, Operation::kAllocate,       Operation::kFree,
    Operation::kFree,     Operation::kFreePart, Operation::kFreePart,       Operation::kFreePart,
    Operation::kDivide,   Operation::kResize,   Operation::kResize,         Operation::kInplace,
    Operation::kInplace,  Operation::kInplace,  Operation::kInplaceAtLeast, Operation::kTrim,
};

}  // namespace

Operations decode(std::span<const std::uint8_t> from) {
  Operations operations(MappedMemory::instance());
  operations.reserve(from.size() + 1);
  Bytes bytes(from);
  std::vector<std::uint32_t> pieces;  // that there may be
  std::uint32_t next = 0;
  std::size_t allocated = 0;
  while (!bytes.is_empty()) {
    const std::uint32_t what = bytes.byte();
    Operation operation;
    operation.kind = kKinds[what % std::size(kKinds)];
    operation.way = std::uint8_t(what / std::size(kKinds));
    if (operation.kind == Operation::kTrim) {
      operations.push_back(operation);
      operations.push_back({Operation::kAudit});
      continue;
    }
    if (operation.kind == Operation::kAllocate || pieces.empty()) {
      operation.kind = Operation::kAllocate;
      operation.id = next++;
      operation.align = bytes.align();
      operation.size = bytes.number();
      allocated += operation.size + operation.align;
      if (allocated > kMostAllocated) break;
      pieces.push_back(operation.id);
      operations.push_back(operation);
      continue;
    }
    const std::size_t place = bytes.byte() % pieces.size();
    operation.id = pieces[pieces.size() - 1 - place];  // the newest first
    switch (operation.kind) {
      case Operation::kFree:
        pieces.erase(pieces.end() - 1 - std::ptrdiff_t(place));
        break;
      case Operation::kFreePart:
        operation.size = bytes.number();
        operation.from = bytes.number();
        break;
      case Operation::kDivide:
        operation.from = bytes.number();
        break;
      case Operation::kResize:
        operation.align = operation.way % 2 == 0 ? 0 : bytes.align();
        operation.size = bytes.number();
        break;
      default:
        operation.size = bytes.number();
        if (operation.kind == Operation::kInplaceAtLeast) operation.from = bytes.number();
    }
    if (operation.kind == Operation::kFreePart || operation.kind == Operation::kDivide) {
      operation.id2 = next++;
      pieces.push_back(operation.id2);
    }
    allocated += operation.kind == Operation::kFree ? 0 : operation.size;
    if (allocated > kMostAllocated) break;
    operations.push_back(operation);
  }
  return operations;
}

}  // namespace ralloc_test
