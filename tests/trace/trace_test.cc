// What a trace's file may hold, and what a replay does with it.
#include "bench/trace/trace.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>

#include "bench/trace/replayer.h"
#include "tests/support/seed.h"

namespace ralloc::bench {
namespace {

// A file in memory, that goes with it.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& bytes) : file_(memfd_create("trace", MFD_CLOEXEC)) {
    EXPECT_EQ(write(file_, bytes.data(), bytes.size()), ssize_t(bytes.size()));
  }
  ~TemporaryFile() { close(file_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  const int file_;
};

std::uint32_t crc32(const std::string& bytes) {
  std::uint32_t crc = ~0u;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

void put(std::string& to, std::uint64_t number, int bytes) {
  for (int i = 0; i < bytes; ++i) to += char(number >> 8 * i);
}

std::string file_of(const std::string& body, std::uint64_t operations, std::uint64_t births,
                    std::uint32_t threads = 1) {
  std::string file = "MALLTRC1";
  put(file, operations, 8);
  put(file, births, 8);
  put(file, threads, 4);
  put(file, crc32(body), 4);
  return file + body;
}

Trace loaded(const std::string& file) { return Trace::load(TemporaryFile(file).path()); }

// What is said of the file, without its name; empty if it loads.
std::string fault_of(const std::string& file) {
  const TemporaryFile temporary(file);
  try {
    Trace::load(temporary.path());
    return "";
  } catch (const TraceError& error) {
    const std::string said = error.what();
    EXPECT_EQ(said.find(temporary.path() + " "), 0u) << said;
    return said.substr(temporary.path().size() + 1);
  }
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// By malloc, with each block's size known. A block that is reallocated to 0 B may be none, and null
// is no block of its own: several may be null at a time.
struct CheckedMemory {
  std::map<void*, std::size_t> live;
  std::size_t bytes = 0;
  std::size_t peak = 0;
  std::size_t frees = 0;

  void* born(void* block, std::size_t size) {
    if (block == nullptr) {
      EXPECT_EQ(size, 0u);
      return block;
    }
    EXPECT_TRUE(live.emplace(block, size).second);
    bytes += size;
    peak = std::max(peak, bytes);
    return block;
  }
  void gone(void* block, std::size_t size) {
    if (block == nullptr) {
      ASSERT_EQ(size, 0u);
      return;
    }
    const auto found = live.find(block);
    ASSERT_NE(found, live.end());
    ASSERT_EQ(found->second, size);
    bytes -= size;
    live.erase(found);
  }
  void* allocate(std::size_t size) { return born(std::malloc(size), size); }
  void* allocate_zeroed(std::size_t size) { return born(std::calloc(1, size), size); }
  void* allocate_aligned(std::size_t size, std::size_t align) {
    void* const block = born(std::aligned_alloc(align, size), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % align, 0u);
    return block;
  }
  void* reallocate(void* block, std::size_t old_size, std::size_t size) {
    gone(block, old_size);
    return born(std::realloc(block, size), size);
  }
  void deallocate(void* block, std::size_t size) {
    gone(block, size);
    ++frees;
    std::free(block);
  }
};

// Each number is below 128. 5 B, 7 B zeroed; the other thread reallocates the first to 9 B, frees
// the second and allocates 3 B aligned to 64.
const std::string kBody = {5 << 3 | 0, 7 << 3 | 1, 1 << 3 | 5, 1 << 3 | 3, 9,
                           1 << 3 | 4, 3 << 3 | 2, 6};

TEST(TraceTest, HasTheOperationsOfItsFileAndFreesTheRest) {
  const Trace trace = loaded(file_of(kBody, 5, 4, 2));
  std::string said;
  for (const Operation& one : trace.operations()) {
    said += std::to_string(int(one.call)) + " #" + std::to_string(one.block) + " " +
            std::to_string(one.size) + " B T" + std::to_string(one.thread) + "; ";
  }
  EXPECT_EQ(said,
            "0 #0 5 B T0; 1 #1 7 B T0; 3 #0 9 B T1; 4 #1 7 B T1; 2 #1 3 B T1; "
            "4 #0 9 B T1; 4 #1 3 B T1; ");
  EXPECT_EQ(trace.operations()[4].align_log2, 6);
  EXPECT_EQ(trace.recorded(), 5u);
  EXPECT_EQ(trace.blocks(), 2u);
  EXPECT_EQ(trace.threads(), 2u);
  EXPECT_EQ(trace.peak_bytes(), 16u);
}

TEST(TraceTest, SaysInOneSentenceWhatIsWrongWithItsFile) {
  EXPECT_EQ(fault_of(file_of(kBody, 5, 4, 2)), "");
  EXPECT_EQ(fault_of(""), "is no trace of malloc (one that ends in .xz is to be unpacked)");
  EXPECT_EQ(fault_of("MALLTRC1 and"), "is cut off");
  EXPECT_EQ(fault_of(file_of(kBody, 5, 4, 2) + '\0'), "is cut off or damaged");
  EXPECT_EQ(fault_of(file_of(kBody, 6, 4, 2)), "has other operations than it says");
  EXPECT_EQ(fault_of(file_of(kBody, 5, 3, 2)), "has more blocks than it says");
  EXPECT_EQ(fault_of(file_of(kBody, 5, 4, 1)), "has more threads than it says");
  EXPECT_EQ(fault_of(file_of(kBody, 1ull << 60, 4, 2)), "says to have more than it can have");
  EXPECT_EQ(fault_of(file_of(kBody, 5, 1ull << 60, 2)), "says to have more than it can have");
  EXPECT_EQ(fault_of(file_of({4}, 1, 0)),
            "has a block that is freed twice, or before it is allocated");
  EXPECT_EQ(fault_of(file_of({8, 4, 4}, 3, 1)),
            "has a block that is freed twice, or before it is allocated");
  EXPECT_EQ(fault_of(file_of({6}, 1, 0)), "has an operation of no kind");
  EXPECT_EQ(fault_of(file_of({10, 99}, 1, 1)), "has a block that is aligned as none can be");
  EXPECT_EQ(fault_of(file_of({-1}, 1, 1)), "has a number without an end");
  EXPECT_EQ(fault_of(file_of(std::string(20, -1), 1, 1)), "has a number without an end");
  EXPECT_EQ(fault_of(file_of(std::string(8, -128) + char(127), 1, 1)),
            "has a block that is larger than any can be");
  EXPECT_THROW(Trace::load("/"), TraceError);
  EXPECT_THROW(Trace::load("/nowhere"), TraceError);
}

TEST(TraceTest, IsNotReadWhereItIsCutOff) {
  const std::string file = file_of(kBody, 5, 4, 2);
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_NE(fault_of(file.substr(0, size)), "") << size;
  }
}

// Whatever the operations are, each block is freed once, or the file is refused.
TEST(TraceTest, FreesEachBlockOnceOrIsRefused) {
  std::mt19937 random(unsigned(ralloc_test::new_seed()));
  const auto below = [&](unsigned count) { return char(random() % count); };
  int replayed = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string body;
    const unsigned operations = 1 + random() % 12;
    unsigned births = 0;
    for (unsigned i = 0; i < operations; ++i) {
      const char call = below(5);
      body += char(below(call < 3 ? 16 : char(births + 1)) << 3 | call);
      if (call == 2) body += below(13);
      if (call == 3) body += below(127);
      births += call < 4;
    }
    const std::string file = file_of(body, operations, births);
    if (fault_of(file) != "") continue;
    ++replayed;
    const Trace trace = loaded(file);
    CheckedMemory memory;
    Replayer(trace).run(memory);
    EXPECT_TRUE(memory.live.empty());
    EXPECT_EQ(memory.peak, trace.peak_bytes());
  }
  EXPECT_GT(replayed, 100);
}

TEST(TraceTest, BearsBytesByChance) {
  std::mt19937 random(unsigned(ralloc_test::new_seed()));
  for (int round = 0; round < 2000; ++round) {
    std::string body(random() % 12 + 1, '\0');
    for (char& byte : body) byte = char(random());
    fault_of(file_of(body, random() % (body.size() + 1), random() % (body.size() + 1), 8));
  }
}

TEST(ReplayerTest, ThrowsWhereABlockCannotBeHad) {
  const Trace trace = loaded(file_of(kBody, 5, 4, 2));
  struct NoMemory : CheckedMemory {
    void* allocate(std::size_t) { return nullptr; }
  };
  EXPECT_THROW(Replayer(trace).run(NoMemory()), std::bad_alloc);
}

class ShippedTraceTest : public testing::TestWithParam<const char*> {
 protected:
  const std::string path_ = RALLOC_TRACES + std::string(GetParam()) + ".trace";
};

TEST_P(ShippedTraceTest, IsReplayedAndEveryBlockFreedOnce) {
  const Trace trace = Trace::load(path_);
  Replayer replayer(trace);
  for (int round = 0; round < 2; ++round) {
    CheckedMemory memory;
    replayer.run(memory);
    EXPECT_TRUE(memory.live.empty());
    EXPECT_EQ(memory.peak, trace.peak_bytes());
    EXPECT_GT(memory.frees, 100'000u);
  }
  EXPECT_GT(trace.peak_bytes(), 0u);
  std::printf("%s: %zu operations, %zu bytes in %zu blocks at most\n", GetParam(),
              trace.operations().size(), trace.peak_bytes(), trace.blocks());
}

TEST_P(ShippedTraceTest, IsNotReadWhenAByteIsWrong) {
  std::string file = bytes_of(path_);
  ASSERT_GT(file.size(), 1000u);
  std::mt19937 random(1);
  for (int round = 0; round < 8; ++round) {
    char& byte = file[32 + random() % (file.size() - 32)];
    byte = char(byte ^ 16);
    EXPECT_EQ(fault_of(file), "is cut off or damaged");
    byte = char(byte ^ 16);
  }
}

INSTANTIATE_TEST_SUITE_P(Shipped, ShippedTraceTest, testing::Values("redis", "python3", "g++"),
                         [](const auto& tested) {
                           const std::string name = tested.param;
                           return name == "g++" ? std::string("gxx") : name;
                         });

}  // namespace
}  // namespace ralloc::bench
