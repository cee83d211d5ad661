#include "model/many_threads.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "model/journal.h"
#include "model/operation_source.h"
#include "model/player.h"
#include "model/subject.h"

namespace ralloc_test {
namespace {

constexpr std::size_t kMostBytes = 24 * kMiB;  // in each lane
constexpr std::size_t kBurst = 4000;  // operations in the life of a thread, on average
constexpr unsigned kSecondsToPlay = 120;

// A succession of threads; each takes over the blocks of the one before.
struct Lane {
  std::size_t number = 0;
  std::size_t operations_left = 0;
  Random random{0};
  std::pmr::vector<Piece> pieces{MappedMemory::instance()};
  std::thread thread;
};

void live(Lane& lane, Place* places, std::uint64_t seed, std::size_t count) {
  Player player(lane.number, seed, places);
  OperationSource source(seed, kMostBytes, true);
  std::uint32_t id = 0;
  for (const Piece& piece : lane.pieces) {
    player.adopt(id, piece);
    source.put(id++, piece);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const Operation operation = source.next();
    player.play(operation);
    if (operation.kind == Operation::kExchange) {
      source.exchanged(player.piece(operation.id));
    }
  }
  player.play({Operation::kAudit});
  lane.pieces = player.give_all();
}

// Starts the lane's next thread, if it has operations left.
void start(Lane& lane, Place* places) {
  if (lane.operations_left == 0) return;
  const std::size_t count = std::min(1 + lane.random.below(2 * kBurst), lane.operations_left);
  lane.operations_left -= count;
  lane.thread = std::thread(live, std::ref(lane), places, lane.random.next(), count);
}

void play_all(std::uint64_t seed, std::size_t threads, std::size_t count) {
  LiveBytes::instance().share();
  const std::size_t elsewhere = subject.bytes_in_use();
  const auto places = std::make_unique<Place[]>(kExchangePlaces);
  std::vector<Lane> lanes(threads);
  for (std::size_t i = 0; i < threads; ++i) {
    lanes[i].number = i;
    lanes[i].operations_left = count;
    lanes[i].random = Random(seed + i);
    start(lanes[i], places.get());
  }
  for (bool running = true; running;) {
    running = false;
    for (Lane& lane : lanes) {
      if (!lane.thread.joinable()) continue;
      lane.thread.join();
      start(lane, places.get());
      running = true;
    }
  }
  // The threads are gone. All their pieces go to one player.
  Player heir(0, seed, nullptr);
  std::uint32_t id = 0;
  for (const Lane& lane : lanes) {
    for (const Piece& piece : lane.pieces) heir.adopt(id++, piece);
  }
  for (std::size_t i = 0; i < kExchangePlaces; ++i) {
    if (places[i].piece.begin != nullptr) heir.adopt(id++, places[i].piece);
  }
  heir.check_bytes_in_use(elsewhere);
  heir.free_all();
  heir.check_bytes_in_use(elsewhere);
  subject.trim();
  heir.play({Operation::kAudit});
  heir.check_bytes_in_use(elsewhere);
}

}  // namespace

bool play_in_threads(std::uint64_t seed, std::size_t threads, std::size_t count,
                     std::string* failure) {
  Journal::instance().clear();
  const Outcome outcome =
      run_in_child([&] { play_all(seed, threads, count); }, kSecondsToPlay, false);
  *failure = outcome.what;
  return outcome.ok;
}

}  // namespace ralloc_test
