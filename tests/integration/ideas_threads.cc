// Memory that outlives its thread, or goes to another.
#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "integration/crew.h"
#include "integration/ideas.h"

namespace ralloc_test {
namespace {

Text text_of(std::size_t number) { return Text(20 + number % 100, char('a' + number % 26)); }

using Texts = Vector<Text>;

std::shared_ptr<const Texts> make_shared_texts() {
  Texts texts;
  for (std::size_t i = 0; i < 100; ++i) texts.push_back(text_of(i));
  return std::allocate_shared<Texts>(OnRalloc<Texts>(), std::move(texts));
}

void check(const Texts& texts) {
  for (std::size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(texts[i], text_of(i));
}

// What checks its texts when it is destroyed.
struct Keeper {
  explicit Keeper(std::shared_ptr<const Texts> kept) : texts(std::move(kept)) {}
  Keeper(const Keeper&) = delete;
  ~Keeper() {
    check(*texts);
    own.check();
  }

  std::shared_ptr<const Texts> texts;
  Bytes own{100};
};

}  // namespace

void data_shared_by_detached_threads(const Steps&) {
  Detached threads;
  std::shared_ptr<const Texts> shared = make_shared_texts();
  for (int i = 0; i < 10; ++i) {
    threads.add([shared]() -> std::shared_ptr<void> {
      thread_local std::unique_ptr<Keeper> keeper;  // dies with the thread
      keeper = std::make_unique<Keeper>(shared);
      return nullptr;
    });
  }
  shared.reset();
  threads.join();
}

void data_freed_after_their_tls(const Steps&) {
  Detached threads;
  std::shared_ptr<const Texts> shared = make_shared_texts();
  for (int i = 0; i < 10; ++i) {
    threads.add([shared]() -> std::shared_ptr<void> {
      return std::allocate_shared<Keeper>(OnRalloc<Keeper>(), shared);
    });
  }
  shared.reset();
  threads.join();
}

void boxes_made_here_freed_there(const Steps& steps) {
  Vector<Box<std::size_t>> here;
  for (std::size_t i = 0; i < steps.of(2'000); ++i) here.push_back(make_box(i));
  steps.between(here);
  Vector<Box<Text>> back;
  Crew there;
  there.add([&, given = std::move(here)] {
    for (std::size_t i = 0; i < given.size(); ++i) {
      EXPECT_EQ(*given[i], i);
      back.push_back(make_box(text_of(i)));
    }
  });
  there.join();
  steps.between(back);
  for (std::size_t i = 0; i < back.size(); ++i) EXPECT_EQ(*back[i], text_of(i));
}

void boxes_freed_in_a_third_thread(const Steps& steps) {
  Vector<Box<std::size_t>> boxes;
  Crew second;
  second.add([&] {
    for (std::size_t i = 0; i < steps.of(2'000); ++i) boxes.push_back(make_box(i));
  });
  second.join();
  steps.between(boxes);
  Crew third;
  third.add([boxes = std::move(boxes)]() mutable {
    for (std::size_t i = 0; i < boxes.size(); ++i) EXPECT_EQ(*boxes[i], i);
    boxes.clear();
  });
  third.join();
}

void thousands_of_joins(const Steps& steps) {
  Vector<Box<std::size_t>> alive;
  for (std::size_t i = 0; i < steps.of(2'000); ++i) {
    Box<std::size_t> box = make_box(i);
    Box<std::size_t> answer;
    Crew one;
    one.add([&] {
      EXPECT_EQ(*box, i);
      box.reset();
      answer = make_box(i + 1);
    });
    one.join();
    if (i % 8 == 0) alive.push_back(std::move(answer));
    if (i % 256 == 0) steps.between(alive);
  }
  for (std::size_t i = 0; i < alive.size(); ++i) EXPECT_EQ(*alive[i], 8 * i + 1);
}

void ten_producers_one_channel(const Steps& steps) {
  constexpr std::size_t kProducers = 10;
  const std::size_t many = steps.of(1'000);
  Channel<Box<std::size_t>> channel(kProducers);
  Crew producers;
  for (std::size_t p = 0; p < kProducers; ++p) {
    producers.add([&, p] {
      const Channel<Box<std::size_t>>::Sender sender(channel);
      for (std::size_t i = 0; i < many; ++i) channel.send(make_box(p * many + i));
    });
  }
  std::vector<bool> seen(kProducers * many);
  std::size_t count = 0;
  while (auto box = channel.receive()) {
    steps.between(*box);
    ASSERT_LT(**box, seen.size());
    EXPECT_FALSE(seen[**box]) << **box;
    seen[**box] = true;
    ++count;
  }
  producers.join();
  EXPECT_EQ(count, seen.size());
}

void twenty_pushing_threads(const Steps& steps) {
  constexpr std::size_t kThreads = 20;
  const std::size_t many = steps.of(4'000);
  Vector<Vector<std::size_t>> pushed(kThreads);
  {
    Crew crew;
    for (std::size_t t = 0; t < kThreads; ++t) {
      crew.add([&, t] {
        for (std::size_t i = 0; i < many; ++i) pushed[t].push_back(t * many + i);
      });
    }
    crew.join();
  }
  steps.between(pushed);
  for (std::size_t t = 0; t < kThreads; ++t) {
    ASSERT_EQ(pushed[t].size(), many);
    for (std::size_t i = 0; i < many; ++i) EXPECT_EQ(pushed[t][i], t * many + i);
  }
}

void blocks_that_go_round(const Steps& steps) {
  constexpr std::size_t kStages = 4;
  const std::size_t many = steps.of(800);
  std::list<Channel<Bytes>> channels;
  channels.emplace_back(1);
  Crew crew;
  {
    const Channel<Bytes>::Sender sender(channels.front());
    for (std::size_t stage = 0; stage < kStages; ++stage) {
      Channel<Bytes>& from = channels.back();
      Channel<Bytes>& to = channels.emplace_back(1);
      crew.add([&, stage] {
        const Channel<Bytes>::Sender stage_sender(to);
        while (auto bytes = from.receive()) {
          bytes->resize(bytes->size() + 37 * stage);
          steps.between(*bytes);
          to.send(std::move(*bytes));
        }
      });
    }
    for (std::size_t i = 0; i < many; ++i) channels.front().send(Bytes(1 + i));
  }
  std::size_t count = 0;
  while (channels.back().receive()) ++count;
  crew.join();
  EXPECT_EQ(count, many);
}

}  // namespace ralloc_test
