// Growth by one byte, by a share, in place, and from thread to thread.
#include <cstddef>

#include "integration/crew.h"
#include "integration/ideas.h"

namespace ralloc_test {

void exact_growth(const Steps& steps) {
  Bytes bytes(1);
  for (std::size_t size = 2; size <= 2'000; ++size) {
    bytes.resize(size);
    if (size % 100 == 0) steps.between(bytes);
  }
  for (std::size_t size = 2'000; size > 1; size -= 1 + size / 50) bytes.resize(size);
}

void amortised_growth(const Steps& steps) {
  Vector<std::size_t> numbers;
  for (std::size_t i = 1; i <= 2'000; ++i) {
    while (numbers.size() < i) numbers.push_back(numbers.size());
    if (i % 250 == 0) steps.between(numbers);
  }
  for (std::size_t i = 0; i < numbers.size(); ++i) EXPECT_EQ(numbers[i], i);
  Bytes bytes(10);
  while (bytes.size() < 300'000) {
    bytes.resize(bytes.size() + bytes.size() / 2);
    steps.between(bytes);
  }
}

void reserve_to_the_byte(const Steps& steps) {
  for (std::size_t i = 1; i <= steps.of(2'000); ++i) {
    Vector<unsigned char> bytes;
    bytes.reserve(i);
    for (std::size_t b = 0; b < i; ++b) bytes.push_back(static_cast<unsigned char>(b + i));
    if (i % 16 == 0) steps.between(bytes);
    for (std::size_t b = 0; b < i; ++b) ASSERT_EQ(bytes[b], static_cast<unsigned char>(b + i));
    bytes.resize(i / 2);
    bytes.shrink_to_fit();
  }
}

void shrink_and_grow_in_place(const Steps& steps) {
  for (const std::size_t size : {40, 100, 1'000, 3'000, 20'000, 200'000}) {
    Vector<Bytes> blocks;
    for (int i = 0; i < 10; ++i) blocks.emplace_back(size);
    for (Bytes& block : blocks) must(block.resize_in_place(size / 2));
    for (Bytes& block : blocks) {
      // Only of a block above 32 KiB may others get what was cut off.
      const bool grown = block.resize_in_place(size);
      EXPECT_TRUE(grown || size > 32'768) << size;
    }
    steps.between(blocks);
    for (Bytes& block : blocks) {
      must(block.resize_in_place(size / 3));
      (void)block.resize_in_place(size / 3 + 1, 4 * size);
      EXPECT_FALSE(block.resize_in_place(std::size_t{1} << 50));
    }
  }
}

void all_that_a_block_has(const Steps& steps) {
  for (std::size_t size = 1; size < 100'000; size += 1 + size / 3) {
    Bytes plain = Bytes::at_least(size);
    EXPECT_LE(plain.size(), ralloc::good_size(size));
    steps.between(plain);
    Bytes odd = Bytes::at_least(size, 3);
    steps.between(odd);
    odd.resize(size);
    Bytes rest = Bytes::at_least(size + 16);
    Bytes first = std::move(rest);
    rest = first.split(first.size() / 2 < 16 ? 16 : first.size() / 2);
    first.free();
  }
}

void growth_from_thread_to_thread(const Steps& steps) {
  Bytes bytes(100);
  Vector<Bytes> left_behind;
  for (std::size_t i = 0; i < steps.of(200); ++i) {
    Crew next;
    next.add([&] {
      bytes.resize(bytes.size() + 20 + bytes.size() / 40);
      left_behind.emplace_back(bytes.size() / 2);
    });
    next.join();
    steps.between(bytes);
  }
}

}  // namespace ralloc_test
