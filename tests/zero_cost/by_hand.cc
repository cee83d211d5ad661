// What shipped.cc does, written without the policies: plain fields and std::atomic.
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#define EXPORT extern "C" [[gnu::visibility("default")]]

EXPORT std::uint64_t cell(std::uint64_t& number, std::uint64_t value) {
  const std::uint64_t old = number;
  number = value;
  return old;
}

EXPORT std::uint64_t atomic_load(const std::atomic<std::uint64_t>& number) {
  return number.load(std::memory_order_acquire);
}
EXPORT void atomic_store(std::atomic<std::uint64_t>& number, std::uint64_t value) {
  number.store(value, std::memory_order_release);
}

// --- A mutex -----------------------------------------------------------------------------------

extern std::atomic<std::atomic<std::uint32_t>*> generation_word;
std::uint32_t renew_generation() noexcept;
void sleep_at(const std::atomic<std::uint32_t>& word, std::uint32_t value) noexcept;
void wake_one_at(const std::atomic<std::uint32_t>& word) noexcept;

inline std::uint32_t generation() {
  const std::uint32_t value =
      generation_word.load(std::memory_order_acquire)->load(std::memory_order_relaxed);
  return __builtin_expect(value != 0, 1) ? value : renew_generation();
}
static std::uint32_t held_word() { return generation() * 4 + 1; }

// True if the last holder died.
[[gnu::noinline]] inline bool lock_contended(std::atomic<std::uint32_t>& word) {
  std::uint32_t mine = held_word();
  for (unsigned tries = 0;; ++tries) {
    std::uint32_t seen = word.load(std::memory_order_relaxed);
    if (seen == 0 || (seen >> 2) != (mine >> 2)) {
      const bool died = seen != 0;
      if (word.compare_exchange_strong(seen, mine, std::memory_order_acquire,
                                       std::memory_order_relaxed)) {
        return died;
      }
    } else if (tries < 100) {
      __builtin_ia32_pause();
    } else if ((seen & 2) != 0 || word.compare_exchange_strong(seen, seen | 2,
                                                               std::memory_order_relaxed,
                                                               std::memory_order_relaxed)) {
      sleep_at(word, seen | 2);
      mine |= 2;
    }
  }
}

struct Guarded {
  std::atomic<std::uint32_t> word;
  std::uint64_t value;
};
static bool lock(std::atomic<std::uint32_t>& word) {
  std::uint32_t seen = 0;
  if (__builtin_expect(word.compare_exchange_strong(seen, held_word(), std::memory_order_acquire,
                                                    std::memory_order_relaxed), 1)) {
    return false;
  }
  return lock_contended(word);
}
EXPORT void under_mutex(Guarded& guarded) {
  if (lock(guarded.word)) guarded.value = 0;
  ++guarded.value;
  if (__builtin_expect((guarded.word.exchange(0, std::memory_order_release) & 2) != 0, 0)) {
    wake_one_at(guarded.word);
  }
}

// --- The page map ------------------------------------------------------------------------------

struct Map {
  std::atomic<std::uintptr_t> mask;
  std::atomic<std::uint64_t*> tags;
};
EXPORT std::uint64_t key_of(const Map& map, const void* p) {
  const std::uintptr_t page = reinterpret_cast<std::uintptr_t>(p) >> 16;
  const std::uintptr_t place = page & map.mask.load(std::memory_order_acquire);
  return map.tags.load(std::memory_order_relaxed)[place] ^ page;
}

// --- Spans -------------------------------------------------------------------------------------

// Laid out as the one that ships.
struct Span {
  std::uint8_t state;
  bool was_clean, is_apart;
  std::uint32_t ledger_epoch;
  std::uintptr_t first_page;
  std::size_t pages;
  std::uint64_t freed_ms;
  struct Links {
    Span* previous;
    Span* next;
  } by_age;
  std::size_t slack;
  bool continues, is_piece;
  std::uint64_t* freed;
  Links in_bin;
  std::uint32_t home, size_class, capacity, block_size, reciprocal;
  std::uint64_t* bits;
  std::uint32_t free, bin_above, bin, low_word;
  std::uint64_t one_word;

  char* begin() const { return reinterpret_cast<char*>(first_page << 16); }

  std::size_t take(void** end, std::size_t n) {
    const std::size_t size = block_size;
    std::uint64_t* const words_of_bits = bits;
    const std::uint32_t words = (capacity + 63) / 64;
    std::size_t left = n;
    std::uint32_t w = low_word;
    for (; w < words; ++w) {
      std::uint64_t word = words_of_bits[w];
      while (word != 0 && left != 0) {
        const unsigned first = unsigned(std::countr_zero(word));
        std::size_t count = unsigned(std::countr_one(word >> first));
        if (count > left) count = left;
        char* block = begin() + (std::size_t{w} * 64 + first) * size;
        for (std::size_t i = 0; i < count; ++i, block += size) *--end = block;
        left -= count;
        word &= ~((~std::uint64_t{0} >> (64 - count)) << first);
      }
      words_of_bits[w] = word;
      if (left == 0) break;
    }
    low_word = w < words ? w : 0;
    free -= std::uint32_t(n - left);
    return n - left;
  }
};

EXPORT std::size_t span_take(Span& span, void** end, std::size_t n) { return span.take(end, n); }

enum class Misuse { kNone, kDoubleFree, kNotABlock };

EXPORT bool span_put(Span& span, std::uintptr_t offset, Misuse& misuse) {
  std::uint64_t* const bits = span.bits;
  const std::uint64_t reciprocal = span.reciprocal;
  const std::uint64_t block_size = span.block_size;
  const std::uint32_t free = span.free;
  const std::uint32_t position = std::uint32_t(offset / 16 * reciprocal >> 31);
  if (__builtin_expect(position * block_size != offset, 0)) {
    misuse = Misuse::kNotABlock;
    return false;
  }
  const std::uint64_t word = bits[position / 64];
  const std::uint64_t bit = std::uint64_t{1} << (position % 64);
  if (__builtin_expect((word & bit) != 0, 0)) {
    misuse = Misuse::kDoubleFree;
    return false;
  }
  bits[position / 64] = word | bit;
  if (__builtin_expect(position / 64 < span.low_word, 0)) span.low_word = position / 64;
  span.free = free + 1;
  return true;
}

EXPORT Span* run_handed_over(Span& span) { return &span; }

EXPORT Span* runs_pushed_and_popped(Span& first, Span& second) {
  first.in_bin.next = nullptr;
  second.in_bin.next = &first;
  return &second;
}

struct Spans {
  Span* first;
  Span* last;
};

static Span*& next_of(Spans& spans, Span* span) {
  return span == nullptr ? spans.first : span->in_bin.next;
}
static Span*& previous_of(Spans& spans, Span* span) {
  return span == nullptr ? spans.last : span->in_bin.previous;
}
static void insert(Spans& spans, Span* previous, Span* span, Span* next) {
  span->in_bin.previous = previous;
  span->in_bin.next = next;
  next_of(spans, previous) = span;
  previous_of(spans, next) = span;
}
EXPORT void list_push_front(Spans& spans, Span* span) { insert(spans, nullptr, span, spans.first); }
EXPORT void list_insert_after(Spans& spans, Span* previous, Span* span) {
  insert(spans, previous, span, previous->in_bin.next);
}
EXPORT void list_remove(Spans& spans, Span* span) {
  Span* previous = span->in_bin.previous;
  Span* next = span->in_bin.next;
  next_of(spans, previous) = next;
  previous_of(spans, next) = previous;
}

// --- Counters ----------------------------------------------------------------------------------

struct Budget {
  std::atomic<std::size_t> drawn;
};
EXPORT bool budget_draw(Budget& budget, std::size_t bytes, std::size_t most) {
  std::size_t drawn = budget.drawn.load(std::memory_order_relaxed);
  do {
    if (drawn > most || bytes > most - drawn) return false;
  } while (!budget.drawn.compare_exchange_weak(drawn, drawn + bytes, std::memory_order_relaxed,
                                               std::memory_order_relaxed));
  return true;
}
EXPORT void budget_put_back(Budget& budget, std::size_t bytes) {
  budget.drawn.fetch_sub(bytes, std::memory_order_relaxed);
}

struct Ledger {
  void* map;
  std::atomic<std::uint32_t> mutex;
  std::atomic<std::uint64_t> decay_due_ms;
};
EXPORT bool is_decay_due(Ledger& ledger, std::uint64_t now_ms, std::uint64_t decay_ms) {
  std::uint64_t due = ledger.decay_due_ms.load(std::memory_order_relaxed);
  return now_ms >= due &&
         ledger.decay_due_ms.compare_exchange_strong(
             due, now_ms + decay_ms / 8, std::memory_order_relaxed, std::memory_order_relaxed);
}
