// A list against std::list.
#include "global_pool/list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <list>
#include <vector>

#include "shim/sync.h"
#include "tests/support/process.h"
#include "tests/support/seed.h"

namespace ralloc {
namespace {

struct Element {
  Links<StdSync, Element> links;
  Links<StdSync, Element> others;
};
using Elements = List<StdSync, Element, &Element::links>;
using OtherElements = List<StdSync, Element, &Element::others>;

template <class AnyList>
std::vector<Element*> contents(const AnyList& list) {
  std::vector<Element*> elements;
  for (Element* e = list.front(); e != nullptr; e = AnyList::after(e)) elements.push_back(e);
  std::vector<Element*> backwards;
  for (Element* e = list.back(); e != nullptr; e = AnyList::before(e)) backwards.push_back(e);
  EXPECT_TRUE(std::equal(elements.rbegin(), elements.rend(), backwards.begin(), backwards.end()));
  return elements;
}

using Order = std::vector<Element*>;

TEST(ListTest, StartsEmpty) {
  Elements list;
  EXPECT_EQ(list.front(), nullptr);
  EXPECT_EQ(list.back(), nullptr);
}

TEST(ListTest, PushesAtBothEnds) {
  Element a, b, c;
  Elements list;
  list.push_back(&b);
  list.push_front(&a);
  list.push_back(&c);
  EXPECT_EQ(contents(list), (Order{&a, &b, &c}));
}

TEST(ListTest, InsertsBehindAnyElement) {
  Element a, b, c, d;
  Elements list;
  list.push_back(&a);
  list.push_back(&c);
  list.insert_after(&a, &b);
  list.insert_after(&c, &d);
  EXPECT_EQ(contents(list), (Order{&a, &b, &c, &d}));
}

TEST(ListTest, RemovesAnywhere) {
  Element a, b, c, d;
  Elements list;
  for (Element* e : {&a, &b, &c, &d}) list.push_back(e);
  list.remove(&b);
  EXPECT_EQ(contents(list), (Order{&a, &c, &d}));
  list.remove(&a);
  EXPECT_EQ(contents(list), (Order{&c, &d}));
  list.remove(&d);
  EXPECT_EQ(contents(list), (Order{&c}));
  list.remove(&c);
  EXPECT_EQ(contents(list), Order{});
}

TEST(ListTest, TakesBackWhatItRemoved) {
  Element a, b;
  Elements list;
  list.push_back(&a);
  list.push_back(&b);
  list.remove(&a);
  list.push_back(&a);
  EXPECT_EQ(contents(list), (Order{&b, &a}));
}

TEST(ListTest, ElementIsInListsOfOtherLinksToo) {
  Element a, b;
  Elements list;
  OtherElements others;
  for (Element* e : {&a, &b}) {
    list.push_back(e);
    others.push_front(e);
  }
  list.remove(&a);
  EXPECT_EQ(contents(list), (Order{&b}));
  EXPECT_EQ(contents(others), (Order{&b, &a}));
}

TEST(ListTest, ClearForgetsAll) {
  Element a;
  Elements list;
  list.push_back(&a);
  list.clear();
  EXPECT_EQ(contents(list), Order{});
}

TEST(ListTest, FollowsTheModelThroughRandomChanges) {
  ralloc_test::Random random(ralloc_test::new_seed());
  std::vector<Element> elements(20);
  Elements list;
  std::list<Element*> model;
  for (int step = 0; step < 2000; ++step) {
    Element* e = &elements[random.below(elements.size())];
    const auto at = std::find(model.begin(), model.end(), e);
    if (at != model.end()) {
      model.erase(at);
      list.remove(e);
    } else if (random.below(3) == 0) {
      model.push_front(e);
      list.push_front(e);
    } else if (random.below(2) == 0 && !model.empty()) {
      const auto previous = std::next(model.begin(), std::ptrdiff_t(random.below(model.size())));
      list.insert_after(*previous, e);
      model.insert(std::next(previous), e);
    } else {
      model.push_back(e);
      list.push_back(e);
    }
    ASSERT_EQ(contents(list), Order(model.begin(), model.end()));
  }
}

}  // namespace
}  // namespace ralloc
