#include "model/one_thread.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <unordered_map>

#include "model/journal.h"
#include "model/player.h"
#include "model/ways.h"

namespace ralloc_test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostBytes = 64 * kMiB;
constexpr unsigned kSecondsToPlay = 60;
constexpr std::chrono::seconds kTimeToShrink{60};

void play_all(const Operations& operations) {
  const std::size_t elsewhere = subject.bytes_in_use();
  Player player(0, 0, nullptr);
  for (const Operation& operation : operations) {
    player.play(operation);
    if (operation.kind == Operation::kAudit) player.check_bytes_in_use(elsewhere);
  }
  player.check_bytes_in_use(elsewhere);
  player.free_all();
  player.check_bytes_in_use(elsewhere);
  subject.trim();
  player.play({Operation::kAudit, 0, 0});
  player.check_bytes_in_use(elsewhere);
}

// What is known of a block without playing: its family, and its size now.
struct Known {
  Family family;
  std::size_t size;
};
using KnownBlocks = std::unordered_map<std::uint32_t, Known>;

// Follows one operation; false if it names a block that is not there.
bool follow(KnownBlocks& blocks, const Operation& operation) {
  switch (operation.kind) {
    case Operation::kAllocate:
      blocks[operation.id] = {way_to_allocate(operation).makes, operation.size};
      return true;
    case Operation::kFree:
      return blocks.erase(operation.id) != 0;
    case Operation::kResize: {
      const auto at = blocks.find(operation.id);
      if (at == blocks.end()) return false;
      at->second = {kPlain, operation.size};
      return true;
    }
    default:
      return true;
  }
}

// The list without [begin, end), and without what makes no sense any more.
Operations without(const Operations& operations, std::size_t begin, std::size_t end) {
  Operations rest(MappedMemory::instance());
  KnownBlocks blocks;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (i >= begin && i < end) continue;
    if (follow(blocks, operations[i])) rest.push_back(operations[i]);
  }
  return rest;
}

// Leaves out pieces of `length` operations wherever the rest still fails.
bool leave_out(Operations& operations, std::size_t length, Clock::time_point deadline) {
  bool shorter = false;
  for (std::size_t end = operations.size(); end > 0 && Clock::now() < deadline;) {
    const std::size_t begin = end - std::min(end, length);
    Operations rest = without(operations, begin, end);
    if (!play_alone(rest, true, nullptr)) {
      operations = std::move(rest);
      shorter = true;
    }
    end = std::min(begin, operations.size());
  }
  return shorter;
}

}  // namespace

Operations draw_operations(std::uint64_t seed, std::size_t count) {
  OperationSource source(seed, kMostBytes, false);
  Operations operations(MappedMemory::instance());
  operations.reserve(count);
  while (operations.size() < count) operations.push_back(source.next());
  return operations;
}

bool play_alone(const Operations& operations, bool quiet, std::string* failure) {
  const Outcome outcome = run_in_child([&] { play_all(operations); }, kSecondsToPlay, quiet);
  if (failure != nullptr) *failure = outcome.what;
  return outcome.ok;
}

Operations shrink(Operations operations) {
  const Clock::time_point deadline = Clock::now() + kTimeToShrink;
  // What came after the operation that failed has no part in it.
  const std::size_t played = std::min(Journal::instance().operations(0), operations.size());
  Operations head = without(operations, played, operations.size());
  if (!play_alone(head, true, nullptr)) operations = std::move(head);
  for (std::size_t length = operations.size() / 2; length > 0;) {
    std::fprintf(stderr, "shrinking: %zu operations\n", operations.size());
    const bool shorter = leave_out(operations, length, deadline);
    if (Clock::now() >= deadline) break;
    if (!shorter || length > 1) length /= 2;
  }
  return operations;
}

void print_operations(const Operations& operations) {
  KnownBlocks blocks;
  for (const Operation& operation : operations) {
    const auto at = blocks.find(operation.id);
    const Known known = at != blocks.end() ? at->second : Known{kPlain, 0};
    std::fprintf(stderr, "  %s\n", text_of(operation, known.family, known.size).c_str());
    follow(blocks, operation);
  }
}

}  // namespace ralloc_test
