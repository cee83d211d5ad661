// The program break, and what happens when memory is exhausted.
#include <cstddef>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "integration/crew.h"
#include "integration/ideas.h"
#include "support/process.h"

namespace ralloc_test {

// With ours and libc's blocks: the break has moved under libc's feet whenever it wants more.
void sbrk_interleaved(const Steps& steps) {
  struct Piece {
    char* begin;
    std::size_t size;
    unsigned char filled;
  };
  // Who gives back must know that the last bytes are his.
  static std::mutex last_bytes;
  Vector<Bytes> ours;
  std::vector<std::unique_ptr<Bytes>> libcs;
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < steps.of(300); ++i) {
    ours.emplace_back(1 + i * 37 % 3'000);
    libcs.push_back(std::make_unique<Bytes>(16));
    const std::unique_ptr<char[]> passing(new char[1 + i * 101 % 5'000]);
    const std::size_t size = 16 + i % 900;
    const std::lock_guard lock(last_bytes);
    const Piece piece{static_cast<char*>(ralloc::sbrk(std::ptrdiff_t(size))), size,
                      static_cast<unsigned char>(i)};
    must(piece.begin != reinterpret_cast<char*>(-1));
    std::memset(piece.begin, piece.filled, size);
    if (i % 2 == 0 && ralloc::sbrk(0) == piece.begin + size) {
      EXPECT_EQ(ralloc::sbrk(-std::ptrdiff_t(size)), piece.begin + size);
      EXPECT_EQ(ralloc::sbrk(0), piece.begin);
    } else {
      pieces.push_back(piece);
    }
  }
  steps.between(ours);
  for (const Piece& piece : pieces) {
    EXPECT_TRUE(is_filled(piece.begin, piece.size, piece.filled));
  }
}

namespace {

thread_local int handler_calls = 0;

void allocate_and_throw_at_the_third(std::size_t, std::size_t) {
  if (++handler_calls == 3) throw std::bad_alloc();
  void* scratch = ralloc::try_alloc(200);
  if (scratch != nullptr) std::memset(scratch, 1, 200);
  ralloc::free(scratch, 200);
}

}  // namespace

void handlers_that_allocate(const Steps& steps) {
  const std::size_t too_much = opaque(std::size_t{1} << 50);
  for (std::size_t i = 0; i < steps.of(100); ++i) {
    const ralloc::OomHandlerScope scope(allocate_and_throw_at_the_third);
    Bytes before(300);
    handler_calls = 0;
    EXPECT_THROW((void)ralloc::alloc(too_much), std::bad_alloc);
    EXPECT_EQ(handler_calls, 3);
    void* block = alloc_or_throw(300, 1);
    std::memset(block, 7, 300);
    handler_calls = 0;
    EXPECT_THROW((void)ralloc::realloc(block, 300, too_much), std::bad_alloc);
    EXPECT_EQ(handler_calls, 3);
    EXPECT_TRUE(is_filled(block, 300, 7));
    ralloc::free(block, 300);
    steps.between(before);
    Crew other;
    other.add([] { EXPECT_EQ(ralloc::set_thread_oom_handler(nullptr), nullptr); });
    other.join();
  }
}

}  // namespace ralloc_test
