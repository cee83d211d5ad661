// Which bytes of a block are free while others are not: a bit each, set while it is free.
// (In a model each stands for more bytes.)
//
// Thread safety: none; under the mutex of who keeps them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>

namespace ralloc {

template <class Sync>
class FreedBits {
 public:
  using Word = typename Sync::template Cell<std::uint64_t>;

  explicit FreedBits(Word* words) : words_(words) {}

  static constexpr std::size_t words_for(std::size_t bits) { return (bits + 63) / 64; }
  static constexpr std::size_t bytes_for(std::size_t bits) {
    return words_for(bits) * sizeof(Word);
  }
  // Makes `bits` bits, none set, in memory of bytes_for(bits).
  static Word* make(void* memory, std::size_t bits) {
    Word* const words = static_cast<Word*>(memory);
    for (std::size_t w = 0; w < words_for(bits); ++w) new (words + w) Word(0);
    return words;
  }

  void set(std::size_t first, std::size_t last) {
    for_words(first, last, [](Word& word, std::uint64_t mask) {
      word.set(word.get() | mask);
      return true;
    });
  }
  void clear(std::size_t first, std::size_t last) {
    for_words(first, last, [](Word& word, std::uint64_t mask) {
      word.set(word.get() & ~mask);
      return true;
    });
  }
  bool all(std::size_t first, std::size_t last) const {
    return for_words(first, last,
                     [](Word& word, std::uint64_t mask) { return (word.get() & mask) == mask; });
  }
  bool none(std::size_t first, std::size_t last) const {
    return for_words(first, last,
                     [](Word& word, std::uint64_t mask) { return (word.get() & mask) == 0; });
  }
  // The first in [first, last) that is not set; `last` if all are.
  std::size_t first_live(std::size_t first, std::size_t last) const {
    std::size_t at = first;
    for_words(first, last, [&](Word& word, std::uint64_t mask) {
      const std::uint64_t live = ~word.get() & mask;
      if (live == 0) {
        at = at / 64 * 64 + 64;
        return true;
      }
      at = at / 64 * 64 + std::size_t(std::countr_zero(live));
      return false;
    });
    return at < last ? at : last;
  }

 private:
  // Calls visit(word, mask of its bits in [first, last)) while that is true; false if it ended
  // so.
  template <class Visit>
  bool for_words(std::size_t first, std::size_t last, Visit visit) const {
    while (first < last) {
      const std::size_t bit = first % 64;
      const std::size_t count = last - first < 64 - bit ? last - first : 64 - bit;
      if (!visit(words_[first / 64], (~std::uint64_t{0} >> (64 - count)) << bit)) return false;
      first += count;
    }
    return true;
  }

  Word* words_;
};

}  // namespace ralloc
