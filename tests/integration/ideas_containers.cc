// The standard containers, and blocks of no bytes.
#include <algorithm>
#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "integration/ideas.h"
#include "support/process.h"

namespace ralloc_test {
namespace {

Text name_of(std::size_t number) {
  Text name("number ");
  for (; number != 0; number /= 10) name.push_back(char('0' + number % 10));
  return name + Text(number % 40, '.');
}

template <class Map>
void fill_and_thin(const Steps& steps) {
  const std::size_t many = steps.of(3'000);
  Map map;
  for (std::size_t i = 0; i < many; ++i) map.emplace(i * 7919 % many, name_of(i * 7919 % many));
  steps.between(map);
  for (std::size_t i = 0; i < many; i += 3) map.erase(i);
  steps.between(map);
  for (std::size_t i = 0; i < many; ++i) {
    const auto at = map.find(i);
    if (i % 3 == 0) {
      EXPECT_EQ(at, map.end()) << i;
    } else if (at == map.end()) {
      ADD_FAILURE() << i << " was lost";
    } else {
      EXPECT_EQ(at->second, name_of(i));
    }
  }
}

}  // namespace

void maps(const Steps& steps) {
  using Element = std::pair<const std::size_t, Text>;
  fill_and_thin<std::map<std::size_t, Text, std::less<>, OnRalloc<Element>>>(steps);
  fill_and_thin<std::unordered_map<std::size_t, Text, std::hash<std::size_t>, std::equal_to<>,
                                   OnRalloc<Element>>>(steps);
}

void strings(const Steps& steps) {
  Text text;
  std::string same;  // not on ralloc
  for (std::size_t i = 0; i < steps.of(2'000); ++i) {
    const Text name = name_of(i * i);
    text += name;
    same.append(name.begin(), name.end());
    if (i % 100 == 0) steps.between(text);
    if (i % 300 == 299) {
      text.erase(100);
      same.erase(100);
      text.shrink_to_fit();
    }
  }
  EXPECT_TRUE(std::equal(text.begin(), text.end(), same.begin(), same.end()));
}

void vectors_of_boxes(const Steps& steps) {
  const std::size_t many = steps.of(3'000);
  Random random(steps.seed());
  Vector<Box<std::size_t>> boxes;
  std::size_t sum = 0;
  for (std::size_t i = 0; i < many; ++i) {
    boxes.push_back(make_box(random.below(1'000'000)));
    sum += *boxes.back();
  }
  steps.between(boxes);
  std::sort(boxes.begin(), boxes.end(), [](auto& a, auto& b) { return *a < *b; });
  for (std::size_t i = 0; i + 1 < boxes.size(); ++i) EXPECT_LE(*boxes[i], *boxes[i + 1]);
  while (boxes.size() > many / 2) {
    sum -= *boxes.back();
    boxes.pop_back();
  }
  steps.between(boxes);
  boxes.shrink_to_fit();
  for (const Box<std::size_t>& box : boxes) sum -= *box;
  EXPECT_EQ(sum, 0u);
}

void lists_of_blocks(const Steps& steps) {
  Random random(steps.seed());
  std::list<Bytes, OnRalloc<Bytes>> blocks;
  for (std::size_t i = 0; i < steps.of(3'000); ++i) {
    const std::size_t size = 1 + random.below(i % 50 == 0 ? 40'000 : 400);
    switch (random.below(5)) {
      case 0: blocks.emplace_front(size); break;
      case 1:
      case 2: blocks.emplace_back(size, 1 + random.below(30)); break;
      case 3:
        if (!blocks.empty()) blocks.pop_front();
        break;
      default:
        if (!blocks.empty()) blocks.back().resize(size);
    }
    if (i % 256 == 0) steps.between(blocks);
  }
}

void no_bytes_at_all(const Steps& steps) {
  Vector<std::uintptr_t> addresses;
  Vector<Bytes> blocks;
  for (std::size_t i = 0; i < steps.of(400); ++i) {
    blocks.emplace_back(0, 1 + i % 20);
    addresses.push_back(blocks.back().address());
  }
  std::sort(addresses.begin(), addresses.end());
  EXPECT_EQ(std::adjacent_find(addresses.begin(), addresses.end()), addresses.end());
  steps.between(blocks);
  for (std::size_t i = 0; i < blocks.size(); i += 2) blocks[i].resize(100);
  steps.between(blocks);
  for (std::size_t i = 0; i < blocks.size(); i += 4) blocks[i].resize(0);
}

}  // namespace ralloc_test
