// What the preloaded g++ compiles and the preloaded result computes. gcc.py knows the answers
// from elsewhere. Many heavy headers and instantiations make the compiler allocate; the program
// itself allocates through every container, through threads, and through aligned new.
#include <algorithm>
#include <any>
#include <array>
#include <charconv>
#include <chrono>
#include <deque>
#include <filesystem>
#include <forward_list>
#include <functional>
#include <future>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <numeric>
#include <optional>
#include <queue>
#include <random>
#include <ranges>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

namespace {

// Numerical Recipes' generator: gcc.py has the same.
class Numbers {
 public:
  explicit Numbers(std::uint32_t seed) : state_(seed) {}
  std::uint32_t operator()() { return state_ = state_ * 1664525U + 1013904223U; }

 private:
  std::uint32_t state_;
};

template <std::size_t N>
struct Power {
  static std::uint64_t of(std::uint64_t base) { return base * Power<N - 1>::of(base); }
};
template <>
struct Power<0> {
  static std::uint64_t of(std::uint64_t) { return 1; }
};

template <std::size_t... I>
std::uint64_t sum_of_powers(std::index_sequence<I...>) {
  return (Power<I>::of(3) + ...);
}

std::uint64_t primes_below(std::size_t limit) {
  std::vector<bool> composite(limit);
  std::list<std::size_t> primes;
  for (std::size_t n = 2; n < limit; ++n) {
    if (composite[n]) continue;
    primes.push_back(n);
    for (std::size_t multiple = n * n; multiple < limit; multiple += n) composite[multiple] = true;
  }
  return primes.size();
}

// Counts words of generated text in an associative container and folds the counts.
template <class Map>
std::uint64_t count_words() {
  Numbers numbers(7);
  Map counts;
  for (int i = 0; i < 200000; ++i) counts["word number " + std::to_string(numbers() >> 16)] += 1;
  std::uint64_t squares = 0;
  for (const auto& [word, count] : counts) squares += std::uint64_t{count} * count + word.size();
  return squares;
}

std::uint64_t match_text() {
  std::ostringstream text;
  for (int i = 0; i < 3000; ++i) text << "name" << i << "=" << i * i << "; ";
  const std::string all = text.str();
  const std::regex pair(R"((name\d+)=(\d+);)");
  std::uint64_t sum = 0;
  for (std::sregex_iterator it(all.begin(), all.end(), pair), end; it != end; ++it) {
    sum += std::stoull((*it)[2].str());
  }
  return sum;
}

struct alignas(256) Wide {
  std::uint64_t value;
};

std::uint64_t in_threads() {
  std::vector<std::future<std::uint64_t>> futures;
  for (std::uint32_t seed = 1; seed <= 8; ++seed) {
    futures.push_back(std::async(std::launch::async, [seed] {
      Numbers numbers(seed);
      std::deque<std::unique_ptr<Wide>> window;
      std::uint64_t sum = 0;
      for (int i = 0; i < 20000; ++i) {
        window.push_back(std::make_unique<Wide>(Wide{numbers() >> 8}));
        if (reinterpret_cast<std::uintptr_t>(window.back().get()) % alignof(Wide) != 0) throw 1;
        if (window.size() > 500) {
          sum += window.front()->value;
          window.pop_front();
        }
      }
      for (const auto& wide : window) sum += wide->value;
      return sum;
    }));
  }
  return std::accumulate(futures.begin(), futures.end(), std::uint64_t{0},
                         [](std::uint64_t sum, auto& future) { return sum + future.get(); });
}

std::uint64_t throw_and_catch() {
  std::uint64_t caught = 0;
  for (int i = 0; i < 2000; ++i) {
    try {
      throw std::runtime_error("a message that is too long for the small string " +
                               std::to_string(i));
    } catch (const std::exception& error) {
      caught += std::string(error.what()).size();
    }
  }
  try {
    // A call, where the compiler may leave out a new expression that it sees deleted.
    ::operator delete(::operator new(std::size_t{1} << 62));
  } catch (const std::bad_alloc&) {
    caught += 1000000;
  }
  return caught;
}

std::uint64_t pooled() {
  std::pmr::unsynchronized_pool_resource pool;
  std::pmr::map<int, std::pmr::string> map(&pool);
  for (int i = 0; i < 20000; ++i) map.emplace(i, std::pmr::string(i % 100, 'x', &pool));
  std::variant<std::any, std::vector<std::optional<std::tuple<int, std::string>>>> mixed;
  mixed = std::vector<std::optional<std::tuple<int, std::string>>>(1000);
  std::uint64_t sum = std::get<1>(mixed).size();
  for (const auto& [key, text] : map) sum += text.size();
  auto even = map | std::views::keys | std::views::filter([](int key) { return key % 2 == 0; });
  return sum + static_cast<std::uint64_t>(std::ranges::distance(even));
}

}  // namespace

int main() {
  std::cout << "primes " << primes_below(1000000) << "\n"
            << "powers " << sum_of_powers(std::make_index_sequence<30>()) << "\n"
            << "tree " << count_words<std::map<std::string, unsigned>>() << "\n"
            << "hash " << count_words<std::unordered_map<std::string, unsigned>>() << "\n"
            << "regex " << match_text() << "\n"
            << "threads " << in_threads() << "\n"
            << "thrown " << throw_and_catch() << "\n"
            << "pooled " << pooled() << "\n";
  return 0;
}
