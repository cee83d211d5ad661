#include "model/one_thread.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <unordered_set>
#include <utility>
#include <vector>

#include "model/journal.h"
#include "model/operation_source.h"
#include "model/player.h"
#include "model/program.h"

namespace ralloc_test {
namespace {

constexpr std::size_t kMostBytes = 64 * kMiB;
constexpr unsigned kSecondsToPlay = 120;  // then it hangs
constexpr std::size_t kPlaysToShrink = 3000;

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
  player.play({Operation::kAudit});
  player.check_bytes_in_use(elsewhere);
}

// Which pieces there may be: what an operation leaves behind depends on the subject.
using Numbers = std::unordered_set<std::uint32_t>;

// Follows one operation; false if it names a piece that cannot be there.
bool follow(Numbers& pieces, const Operation& operation) {
  switch (operation.kind) {
    case Operation::kAllocate: return pieces.insert(operation.id).second;
    case Operation::kFree: return pieces.erase(operation.id) != 0;
    case Operation::kTrim:
    case Operation::kAudit: return true;
    case Operation::kFreePart:
    case Operation::kDivide:
      if (!pieces.contains(operation.id)) return false;
      pieces.insert(operation.id2);
      return true;
    default: return pieces.contains(operation.id);
  }
}

// The list without [begin, end), and without what makes no sense any more.
Operations without(const Operations& operations, std::size_t begin, std::size_t end) {
  Operations rest(MappedMemory::instance());
  Numbers pieces;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (i >= begin && i < end) continue;
    if (follow(pieces, operations[i])) rest.push_back(operations[i]);
  }
  return rest;
}

// What a failure says apart from its numbers.
std::string kind_of(const std::string& failure) {
  std::string kind;
  bool number = false;
  for (const char c : failure) {
    number = std::isdigit(static_cast<unsigned char>(c)) ||
             (number && std::isxdigit(static_cast<unsigned char>(c))) || (number && c == 'x');
    if (!number) kind += c;
  }
  return kind;
}

// A failure that is looked for in ever shorter lists, for so many plays.
struct Search {
  std::string kind;
  std::size_t plays_left = kPlaysToShrink;

  bool finds_it(const Operations& operations) {
    if (plays_left == 0) return false;
    --plays_left;
    std::string failure;
    return !play_alone(operations, true, &failure) && kind_of(failure) == kind;
  }
};

// Leaves out stretches of `length` operations wherever the rest still fails.
bool leave_out(Operations& operations, std::size_t length, Search& search) {
  bool shorter = false;
  for (std::size_t end = operations.size(); end > 0;) {
    const std::size_t begin = end - std::min(end, length);
    Operations rest = without(operations, begin, end);
    if (search.finds_it(rest)) {
      operations = std::move(rest);
      shorter = true;
    }
    end = std::min(begin, operations.size());
  }
  return shorter;
}

// Makes sizes and places smaller wherever the rest still fails.
void simplify(Operations& operations, Search& search) {
  const auto try_smaller = [&](std::uint32_t& number, std::uint32_t smaller) {
    if (smaller >= number) return false;
    const std::uint32_t old = std::exchange(number, smaller);
    if (search.finds_it(operations)) return true;
    number = old;
    return false;
  };
  for (Operation& operation : operations) {
    for (std::uint32_t* number : {&operation.align, &operation.size, &operation.from}) {
      if (try_smaller(*number, 0)) continue;
      while (try_smaller(*number, *number / 2)) {}
      for (std::uint32_t step = *number / 4; step > 0; step /= 2) {
        try_smaller(*number, *number - step);
      }
    }
  }
}

}  // namespace

Operations draw_operations(std::uint64_t seed, std::size_t count) {
  OperationSource source(seed, kMostBytes, false);
  Operations operations(MappedMemory::instance());
  operations.reserve(count);
  while (operations.size() < count) operations.push_back(source.next());
  return operations;
}

bool play_alone(const Operations& operations, bool quiet, std::string* failure,
                std::size_t kept) {
  Journal::instance().clear(kept);
  const Outcome outcome = run_in_child([&] { play_all(operations); }, kSecondsToPlay, quiet);
  if (failure != nullptr) *failure = outcome.what;
  return outcome.ok;
}

Operations shrink(Operations operations, const std::string& failure) {
  Search search{kind_of(failure)};
  // What came after the operation that failed has no part in it.
  const std::size_t played = std::min(Journal::instance().operations(0), operations.size());
  Operations head = without(operations, played, operations.size());
  if (search.finds_it(head)) operations = std::move(head);
  for (std::size_t length = operations.size() / 2; length > 0;) {
    std::fprintf(stderr, "shrinking: %zu operations\n", operations.size());
    const bool shorter = leave_out(operations, length, search);
    if (!shorter || length > 1) length /= 2;
  }
  // Smaller numbers need less around them.
  do {
    simplify(operations, search);
  } while (leave_out(operations, 1, search));
  return operations;
}

std::string print_program(const Operations& operations) {
  std::string failure;
  play_alone(operations, false, &failure, Journal::kMostKept);
  const std::vector<Step> steps = Journal::instance().last_steps(0, Journal::kMostKept);
  std::fprintf(stderr, "%s", program_of(steps).c_str());
  return failure;
}

}  // namespace ralloc_test
