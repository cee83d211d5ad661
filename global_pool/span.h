// A run of pages: free in the ledger, cut into blocks of one size class, or one large block.
// The record lies in metadata, never beside the blocks.
//
// Thread safety: see the groups of members.
// Invariants: I2 held + cached + free_ = capacity_ for a span of blocks. I3 the identity
// changes only while no block of the span lives. I4 a span becomes wholly free once before
// it is taken again, and is then a spare of its shard or nobody's.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "global_pool/budget.h"
#include "global_pool/freed_bits.h"
#include "global_pool/list.h"
#include "global_pool/size_class.h"
#include "shim/fatal.h"

namespace ralloc {

enum class SpanState : std::uint8_t {
  kUnused,   // a record without pages
  kDirty,    // free in the ledger, with old contents
  kClean,    // free in the ledger, reads as zeros
  kBlocks,   // belongs to a shard
  kLarge,    // one large block
  kLeaving,  // taken out of the ledger to be purged or released
};

// The record of a small block of which a part is free: its place among those of the span, and
// behind it the freed bits of the block.
template <class Sync>
struct Fragment {
  template <class T>
  using Cell = typename Sync::template Cell<T>;

  Cell<Fragment*> next{};
  Cell<std::uint32_t> position{};

  static constexpr std::size_t bytes_for(std::size_t bits) {
    return sizeof(Fragment) + FreedBits<Sync>::bytes_for(bits);
  }
  FreedBits<Sync> bits() {
    return FreedBits<Sync>(reinterpret_cast<typename FreedBits<Sync>::Word*>(this + 1));
  }
};

// What a take from spans needs where blocks come in random order: 64 bits that nobody knows, drawn
// with no lock held, since that may be a system call. Elsewhere nothing.
struct NoSeed {};
template <class Limits>
using Seed =
    std::conditional_t<Limits::Defences::kShufflesBlocks, std::uint64_t, NoSeed>;

// Numbers from one seed. They say where the blocks of one take lie, and nothing about those of
// another, which has a seed of its own.
class Scatter {
 public:
  constexpr explicit Scatter(std::uint64_t seed) : state_(seed) {}
  // 0 to n - 1; 0 for n of 0.
  constexpr std::uint32_t below(std::uint32_t n) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return std::uint32_t((state_ >> 32) * n >> 32);
  }

 private:
  std::uint64_t state_;
};

template <class Sync, class Limits>
class Span {
  template <class T>
  using Cell = typename Sync::template Cell<T>;
  template <class T>
  using Posted = typename Sync::template Posted<T>;

 public:
  static constexpr std::uint32_t kNobody = ~std::uint32_t{0};
  static constexpr unsigned kFullnessBins = 8;
  using Fragment = ralloc::Fragment<Sync>;
  using Seed = ralloc::Seed<Limits>;

  // Which mutex guards a member depends on who has the span, and changes with that; GUARDED_BY
  // binds a member to one for good, so clang's analysis cannot check the groups below. It does
  // check the ways to them: what leads to a span (FreeRuns, the bins of a shard) is guarded, and
  // between its owners a span goes by a handle that one thread has alone (loose_run.h).

  // --- The ledger's, under its mutex --------------------------------------------------------
  // State, first page and length are read there also of neighbours that are not free.
  Cell<SpanState> state_{};
  Cell<bool> was_clean_{};  // how it was when taken: large blocks read as zeros then
  Cell<bool> is_apart_{};   // a large block with a mapping of its own, released when freed
  Cell<bool> is_room_{};    // free, behind a block that grows
  Cell<std::uint32_t> ledger_epoch_{};
  Cell<std::uintptr_t> first_page_{};
  Cell<std::size_t> pages_{};
  Cell<std::uint64_t> freed_ms_{};
  Links<Sync, Span> by_age_{};

  // --- Of a large block: the ledger's, or who has all of the block may touch them without --------
  // Parts of a large block that were freed leave several runs, each with a record.
  Cell<std::size_t> slack_{};    // bytes at the end that were not asked for
  Cell<bool> continues_{};       // the run behind this one belongs to the same block
  Cell<bool> is_piece_{};        // it was cut off the block's first run
  Cell<std::uint16_t> guard_{};  // so many inaccessible pages before the first are its own too
  Cell<std::uint32_t> open_{};   // OS pages from its begin that are accessible, if it is guarded
  Cell<std::uint32_t> ahead_{};  // pages at the end that were not needed yet when it last grew
  Cell<Cell<std::uint64_t>*> freed_{};  // the freed bits of a page with freed and live bytes
  // Nobody's: a local pool keeps it, or a shard. Changed by who has it, read by who has the ledger's mutex.
  Posted<bool> is_aside_{false};
  // A block that grows has its page long before it fills it, and has drawn its bytes. Changed by who has
  // all, or the ledger's mutex.
  Posted<bool> is_early_{false};
  // What was asked for of it, as long as nothing of it was freed; 0 where that is not known. Who has so
  // many bytes from its begin has all of it. Changed by who has all, or the ledger's mutex; read by any.
  Posted<std::size_t> whole_bytes_{0};

  // The list it is in: the ledger's while the run is free, the shard's while it holds blocks, a
  // local pool's or shard's while it is set aside.
  Links<Sync, Span> in_bin_{};

  // --- Identity of a span of blocks: constant while one of them lives (I3) --------------------
  // Shard + 256 * the shard's epoch; kNobody when it has no blocks.
  Cell<std::uint32_t> home_{kNobody};
  Cell<std::uint32_t> class_{};
  Cell<std::uint32_t> capacity_{};
  Cell<std::uint32_t> block_size_{};
  Cell<std::uint32_t> reciprocal_{};
  Cell<Cell<std::uint64_t>*> bits_{};  // one bit a block, set while it is free in the span

  // --- The shard's, under its mutex -----------------------------------------------------------
  Cell<std::uint32_t> free_{};
  Cell<std::uint32_t> bin_above_{};  // more free blocks than this belong into another bin
  Cell<std::uint32_t> bin_{};
  Cell<std::uint32_t> low_word_{};  // no word of bits_ before this one has a bit
  Cell<std::uint64_t> one_word_{};  // bits_ of spans with at most 64 blocks
  // Blocks with a part that is free: a list for each word of bits_, and behind these words.
  Cell<std::uint32_t> fragments_{};
  Cell<Fragment*> one_list_{};

  char* begin() const {
    return reinterpret_cast<char*>(first_page_.get() << Limits::kPageShift);
  }
  std::size_t bytes() const { return pages_.get() << Limits::kPageShift; }
  std::uintptr_t end() const { return end_page() << Limits::kPageShift; }
  std::uintptr_t end_page() const { return first_page_.get() + pages_.get(); }
  // Pages before the first that are reserved with it.
  std::size_t guard() const {
    if constexpr (Limits::Defences::kGuardsLarge) return guard_.get();
    return 0;
  }
  bool is_guarded() const { return guard() != 0; }
  // Who has all of a large block: so many bytes of it are asked for.
  void ask_for(std::size_t bytes) {
    slack_.set(this->bytes() - bytes);
    whole_bytes_.store(bytes, Sync::kRelaxed);
  }
  void forget_whole() { whole_bytes_.store(0, Sync::kRelaxed); }
  // So many pages of it are needed; the others are ahead.
  void need(std::size_t pages) { ahead_.set(std::uint32_t(pages_.get() - pages)); }
  bool is_early() const { return is_early_.load(Sync::kRelaxed); }
  void begin_early() { is_early_.store(true, Sync::kRelaxed); }
  // It fills its page, or is gone.
  void end_early(Budget<Sync>& early) {
    if (!is_early()) return;
    is_early_.store(false, Sync::kRelaxed);
    early.put_back(std::size_t{1} << Limits::kPageShift);
  }
  bool is_aside() const { return is_aside_.load(Sync::kRelaxed); }
  char* reserved_begin() const { return begin() - (guard() << Limits::kPageShift); }
  std::size_t reserved_bytes() const { return bytes() + (guard() << Limits::kPageShift); }
  // Of a large block.
  std::size_t accessible_bytes() const {
    return is_guarded() ? open_.get() * Limits::Memory::granule() : bytes();
  }
  bool is_wholly_free() const { return free_.get() == capacity_.get(); }

  static constexpr std::uint32_t capacity_of(const SizeClass& info, std::size_t pages) {
    return std::uint32_t((pages << Limits::kPageShift) / info.block_size);
  }
  static constexpr std::uint32_t words_for(std::uint32_t capacity) { return (capacity + 63) / 64; }
  // Words beside those in the record: for the bits, and as many for the lists of fragments.
  static constexpr std::uint32_t more_words_for(std::uint32_t capacity) {
    return capacity > 64 ? 2 * words_for(capacity) : 0;
  }

  // Whoever alone holds the span: all blocks free, homed nowhere yet. The ledger has put
  // more_words_for(capacity) words at bits_, or null.
  void cut(std::uint32_t size_class) {
    const SizeClass& info = Limits::size_class(size_class);
    const std::uint32_t capacity = capacity_of(info, pages_.get());
    class_.set(size_class);
    capacity_.set(capacity);
    block_size_.set(info.block_size);
    reciprocal_.set(info.reciprocal);
    if (bits_.get() == nullptr) bits_.set(&one_word_);
    for (std::uint32_t w = 0; w < words_for(capacity); ++w) {
      const std::uint32_t rest = capacity - w * 64;
      bits_.get()[w].set(rest >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << rest) - 1);
      list_of(w * 64).set(nullptr);
    }
    fragments_.set(0);
    free_.set(capacity);
    low_word_.set(0);
  }

  // The shard: takes up to `n` blocks, lowest address first, and writes them downwards from
  // `end`, so that a magazine filled so gives them out ascending. Returns how many.
  std::size_t take(void** end, std::size_t n, [[maybe_unused]] Seed seed = {}) {
    if constexpr (Limits::Defences::kShufflesBlocks) return take_scattered(end, n, seed);
    const std::size_t size = block_size_.get();
    Cell<std::uint64_t>* const bits = bits_.get();
    const std::uint32_t words = words_for(capacity_.get());
    std::size_t left = n;
    std::uint32_t w = low_word_.get();
    for (; w < words; ++w) {
      std::uint64_t word = bits[w].get();
      // Free blocks come in runs, in fresh spans above all: a few instructions a block.
      while (word != 0 && left != 0) {
        const unsigned first = unsigned(std::countr_zero(word));
        std::size_t count = unsigned(std::countr_one(word >> first));
        if (count > left) count = left;
        char* block = begin() + (std::size_t{w} * 64 + first) * size;
        for (std::size_t i = 0; i < count; ++i, block += size) *--end = block;
        left -= count;
        word &= ~((~std::uint64_t{0} >> (64 - count)) << first);
      }
      bits[w].set(word);
      if (left == 0) break;
    }
    low_word_.set(w < words ? w : 0);
    free_.set(free_.get() - std::uint32_t(n - left));
    return n - left;
  }

  // As take, but from all over the span: of each word of bits a share, at random places. What is
  // missing then, where few are free, comes from whatever word has any. O(n + words).
  std::size_t take_scattered(void** end, std::size_t n, std::uint64_t seed)
    requires(Limits::Defences::kShufflesBlocks)
  {
    const std::size_t size = block_size_.get();
    Cell<std::uint64_t>* const bits = bits_.get();
    const std::uint32_t words = words_for(capacity_.get());
    Scatter random(seed ^ first_page_.get());  // the same seed may serve several spans
    const std::size_t share = (n + words - 1) / words;
    const std::uint32_t step = 1 + random.below(words - 1);
    std::uint32_t w = random.below(words);
    std::size_t left = n;
    for (std::uint32_t i = 0; i < 2 * words && left != 0; ++i) {
      std::uint64_t word = bits[w].get();
      const std::size_t most = i < words && share < left ? share : left;
      std::size_t count = 0;
      for (; count < most && word != 0; ++count) {
        const unsigned turn = random.below(64);
        const unsigned place = (turn + unsigned(std::countr_zero(std::rotr(word, int(turn))))) % 64;
        word &= ~(std::uint64_t{1} << place);
        *--end = begin() + (std::size_t{w} * 64 + place) * size;
      }
      bits[w].set(word);
      left -= count;
      w += i < words ? step : 1;
      if (w >= words) w -= words;
    }
    free_.set(free_.get() - std::uint32_t(n - left));
    return n - left;
  }

  // The shard: marks blocks free, one after the other. What that needs of the span is read once, for
  // a loop would read it again after each store; but for what registers do not suffice for. Nothing
  // else changes the span meanwhile.
  class Intake {
   public:
    Intake() = default;  // of no span
    explicit Intake(Span* span)
        : span_(span),
          bits_(span->bits_.get()),
          begin_(reinterpret_cast<std::uintptr_t>(span->begin())),
          reciprocal_(span->reciprocal_.get()),
          block_size_(span->block_size_.get()),
          bytes_(span->capacity_.get() * block_size_),
          until_above_(span->bin_above_.get() + 1 - span->free_.get()) {}

    Span* span() const { return span_; }
    std::uintptr_t offset_of(const void* p) const {
      return reinterpret_cast<std::uintptr_t>(p) - begin_;
    }
    // Whether one of the span's blocks lies there.
    bool has_block_at(std::uintptr_t offset) const { return offset < bytes_; }
    // There is none any more, but for who was asked for already.
    void take_one() { bytes_ = 0; }
    // Whether the span belongs into another bin now.
    bool is_above_bin() const { return until_above_ == 0; }
    // For where one lies: false, with `misuse` set, if none begins there, or it is free already.
    bool put(std::uintptr_t offset, Misuse& misuse) {
      const std::uint32_t position = block_index(offset, reciprocal_);
      if (UNLIKELY(position * block_size_ != offset)) {
        misuse = Misuse::kNotABlock;
        return false;
      }
      const std::uint64_t word = bits_[position / 64].get();
      const std::uint64_t bit = std::uint64_t{1} << (position % 64);
      if (UNLIKELY((word & bit) != 0)) {
        misuse = Misuse::kDoubleFree;
        return false;
      }
      bits_[position / 64].set(word | bit);
      if (UNLIKELY(position / 64 < span_->low_word_.get())) span_->low_word_.set(position / 64);
      span_->free_.set(span_->free_.get() + 1);
      --until_above_;
      return true;
    }

   private:
    Span* span_ = nullptr;
    Cell<std::uint64_t>* bits_ = nullptr;
    std::uintptr_t begin_ = 0;
    std::uint64_t reciprocal_ = 0;
    std::uint64_t block_size_ = 0;
    std::uintptr_t bytes_ = 0;
    std::uint32_t until_above_ = 0;  // blocks that may come before it belongs into another bin
  };

  // --- Parts of blocks: the shard ---------------------------------------------------------------
  Cell<Fragment*>& list_of(std::uint32_t position) {
    static_assert(sizeof(Cell<Fragment*>) == sizeof(Cell<std::uint64_t>));
    if (capacity_.get() <= 64) return one_list_;
    return reinterpret_cast<Cell<Fragment*>*>(bits_.get() +
                                              words_for(capacity_.get()))[position / 64];
  }
  // The fragment of a block; null if no part of it is free.
  Fragment* fragment_of(std::uint32_t position) {
    Fragment* f = list_of(position).get();
    while (f != nullptr && f->position.get() != position) f = f->next.get();
    return f;
  }
  // Whether a block begins there of which a part is free.
  [[gnu::cold, gnu::noinline]] bool has_fragment_at(const void* block) {
    const std::uint32_t offset = std::uint32_t(static_cast<const char*>(block) - begin());
    const std::uint32_t position = block_index(offset, reciprocal_.get());
    return position * block_size_.get() == offset && position < capacity_.get() &&
           fragment_of(position) != nullptr;
  }
  // In memory of Fragment::bytes_for(bits).
  Fragment* add_fragment(void* memory, std::uint32_t position, std::size_t bits) {
    Fragment* const f = new (memory) Fragment;
    FreedBits<Sync>::make(f + 1, bits);
    Cell<Fragment*>& list = list_of(position);
    f->position.set(position);
    f->next.set(list.get());
    list.set(f);
    fragments_.set(fragments_.get() + 1);
    return f;
  }
  void remove_fragment(Fragment* fragment) {
    Cell<Fragment*>* at = &list_of(fragment->position.get());
    while (at->get() != fragment) at = &at->get()->next;
    at->set(fragment->next.get());
    fragments_.set(fragments_.get() - 1);
  }
  // Debug builds and tests: every block with a fragment is held, and some of it is live.
  bool fragments_are_valid() {
    std::uint32_t counted = 0;
    for (std::uint32_t p = 0; p < capacity_.get(); p += 64) {
      for (Fragment* f = list_of(p).get(); f != nullptr; f = f->next.get(), ++counted) {
        const std::size_t bits = block_size_.get() / Limits::kPartGrain;
        if (f->position.get() / 64 != p / 64 || is_free(f->position.get())) return false;
        if (f->bits().all(0, bits) || f->bits().none(0, bits)) return false;
      }
    }
    return counted == fragments_.get();
  }
  bool is_free(std::uint32_t position) const {
    return (bits_.get()[position / 64].get() >> (position % 64) & 1) != 0;
  }

  // The bin for spans with as many free blocks as this one, fullest first.
  std::uint32_t bin_for_free() const {
    return (free_.get() - 1) * kFullnessBins / capacity_.get();
  }
  // The most free blocks with which a span stays in `bin`.
  std::uint32_t most_free_in(std::uint32_t bin) const {
    if (bin + 1 == kFullnessBins) return capacity_.get() - 1;
    return ((bin + 1) * capacity_.get() + kFullnessBins - 1) / kFullnessBins;
  }

  // Debug builds and tests: walks the bits. Under the shard's mutex.
  bool is_valid() const {
    std::uint32_t counted = 0;
    for (std::uint32_t w = 0; w < words_for(capacity_.get()); ++w) {
      const std::uint64_t word = bits_.get()[w].get();
      if (word != 0 && w < low_word_.get()) return false;
      counted += std::uint32_t(std::popcount(word));
    }
    return counted == free_.get() && free_.get() <= capacity_.get();
  }
};

}  // namespace ralloc
