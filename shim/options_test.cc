// What RALLOC_OPTIONS and RALLOC_LOG may say, and what is said about the rest. How the
// environment gets there: tests/config.
#include "shim/options.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace ralloc {
namespace {

using detail::kOptionCount;

constexpr std::string_view kNames[] = {
#define RALLOC_NAME(type, name, unit, least, most, initial, meaning) #name,
    RALLOC_OPTION_TABLE(RALLOC_NAME)
#undef RALLOC_NAME
};
constexpr std::uint64_t kLeast[] = {
#define RALLOC_LEAST(type, name, unit, least, most, initial, meaning) std::uint64_t(least),
    RALLOC_OPTION_TABLE(RALLOC_LEAST)
#undef RALLOC_LEAST
};
constexpr std::uint64_t kMost[] = {
#define RALLOC_MOST(type, name, unit, least, most, initial, meaning) std::uint64_t(most),
    RALLOC_OPTION_TABLE(RALLOC_MOST)
#undef RALLOC_MOST
};

struct Parsed {
  std::array<std::uint64_t, kOptionCount> values;
  std::string said;

  std::uint64_t operator[](unsigned i) const { return values[i]; }
  bool operator==(const Parsed&) const = default;
};

template <class Parse>
Parsed capture(Parse parse) {
  Parsed parsed;
  detail::set_default_options(parsed.values.data());
  testing::internal::CaptureStderr();
  parse(parsed.values.data());
  parsed.said = testing::internal::GetCapturedStderr();
  return parsed;
}
Parsed parse(const std::string& text) {
  return capture([&](std::uint64_t* v) { detail::parse_options(text.c_str(), v, true); });
}
Parsed parse_log(const std::string& text) {
  return capture([&](std::uint64_t* v) { detail::parse_log_level(text.c_str(), v, true); });
}

using enum detail::OptionIndex;

std::string bytes_range(const std::string& name) {
  return name + " can be 0 to 18446744073709551615 bytes (k, M and G work)";
}

// --- What is understood --------------------------------------------------------------------------

TEST(OptionsTest, NothingLeavesTheDefaults) {
  const Parsed nothing = parse("");
  EXPECT_EQ(nothing.said, "");
  EXPECT_EQ(nothing[kOption_decay_ms], Config::kDecayMs);
  EXPECT_EQ(nothing[kOption_decay_bytes], Config::kDecayBytes);
  EXPECT_EQ(nothing[kOption_dirty_bytes], Config::kDirtyMost);
  EXPECT_EQ(nothing[kOption_shards], 0u);
  EXPECT_EQ(nothing[kOption_magazine_bytes], Config::kMagazineBytes);
  EXPECT_EQ(nothing[kOption_pool_bytes], Config::kPoolBytes);
  EXPECT_EQ(nothing[kOption_all_pools_bytes], Config::kAllPoolsBytes);
  EXPECT_EQ(nothing[kOption_log_level], std::uint64_t(Config::kLogLevel));
  EXPECT_EQ(nothing[kOption_log_fd], std::uint64_t(Config::kLogFd));
  EXPECT_EQ(nothing[kOption_leaks], std::uint64_t(Config::kLeaks));
  EXPECT_EQ(nothing[kOption_deepbind], std::uint64_t(Config::kDeepbind));
}

TEST(OptionsTest, EachOptionTakesItsLeastAndItsMostAndNoOtherChanges) {
  for (unsigned i = 0; i < kOptionCount; ++i) {
    if (i == kOption_log_level) continue;
    for (const std::uint64_t value : {kLeast[i], kMost[i]}) {
      Parsed expected = parse("");
      expected.values[i] = value;
      EXPECT_EQ(parse(std::string(kNames[i]) + "=" + std::to_string(value)), expected) << kNames[i];
    }
  }
}

TEST(OptionsTest, ValuesOutOfRangeAreTheDefault) {
  for (unsigned i = 0; i < kOptionCount; ++i) {
    if (i == kOption_log_level) continue;
    std::vector<std::string> bad = {"18446744073709551616"};
    if (kLeast[i] != 0) bad.push_back(std::to_string(kLeast[i] - 1));
    if (kMost[i] != SIZE_MAX) bad.push_back(std::to_string(kMost[i] + 1));
    for (const std::string& value : bad) {
      const std::string piece = std::string(kNames[i]) + "=" + value;
      const Parsed parsed = parse(piece);
      EXPECT_EQ(parsed.values, parse("").values) << piece;
      EXPECT_EQ(parsed.said.find("ralloc: RALLOC_OPTIONS has \"" + piece + "\", but "), 0u);
    }
  }
}

TEST(OptionsTest, ManyOptionsAreSeparatedByCommas) {
  const Parsed parsed = parse("decay_ms=200,shards=8,pool_bytes=1000000,leaks=1");
  EXPECT_EQ(parsed.said, "");
  EXPECT_EQ(parsed[kOption_decay_ms], 200u);
  EXPECT_EQ(parsed[kOption_shards], 8u);
  EXPECT_EQ(parsed[kOption_pool_bytes], 1'000'000u);
  EXPECT_EQ(parsed[kOption_leaks], 1u);
}

TEST(OptionsTest, BytesMayHaveASuffix) {
  for (const auto& [text, value] : std::vector<std::pair<std::string, std::uint64_t>>{
           {"3k", 3 * kKiB}, {"3K", 3 * kKiB}, {"4m", 4 * kMiB}, {"4M", 4 * kMiB},
           {"2g", 2048 * kMiB}, {"2G", 2048 * kMiB}, {"0k", 0}, {"17", 17}}) {
    const Parsed parsed = parse("pool_bytes=" + text);
    EXPECT_EQ(parsed.said, "") << text;
    EXPECT_EQ(parsed[kOption_pool_bytes], value) << text;
  }
}

TEST(OptionsTest, EmptyPiecesSayNothing) {
  EXPECT_EQ(parse(",,decay_ms=7,,"), parse("decay_ms=7"));
  EXPECT_EQ(parse(","), parse(""));
}

TEST(OptionsTest, OfTheSameOptionTheLastCounts) {
  EXPECT_EQ(parse("shards=3,shards=5"), parse("shards=5"));
  const Parsed bad_last = parse("shards=3,shards=x");
  EXPECT_EQ(bad_last[kOption_shards], 0u) << "the default, as it says";
}

TEST(OptionsTest, LogLevelsHaveNames) {
  for (unsigned i = 0; i < std::size(kLogLevelNames); ++i) {
    EXPECT_EQ(parse_log(kLogLevelNames[i])[kOption_log_level], i);
    EXPECT_EQ(parse("log_level=" + std::string(kLogLevelNames[i])), parse_log(kLogLevelNames[i]));
  }
  EXPECT_EQ(parse_log(""), parse(""));
}

// --- What is said --------------------------------------------------------------------------

TEST(OptionsTest, SaysWhatAValueCanBe) {
  EXPECT_EQ(parse("decay_ms=soon").said,
            "ralloc: RALLOC_OPTIONS has \"decay_ms=soon\", but decay_ms can be 0 to 1000000000 ms; "
            "the default is used, " + std::to_string(Config::kDecayMs) + "\n");
  EXPECT_EQ(parse("dirty_bytes=1T").said,
            "ralloc: RALLOC_OPTIONS has \"dirty_bytes=1T\", but " + bytes_range("dirty_bytes") +
                "; the default is used, " + std::to_string(Config::kDirtyMost) + "\n");
  EXPECT_EQ(parse("leaks=yes").said,
            "ralloc: RALLOC_OPTIONS has \"leaks=yes\", but leaks can be 0 or 1; the default is "
            "used, 0\n");
  EXPECT_EQ(parse("shards=129").said,
            "ralloc: RALLOC_OPTIONS has \"shards=129\", but shards can be 0 to " +
                std::to_string(Config::kShardsMost) + "; the default is used, 0\n");
}

TEST(OptionsTest, SaysWhichLevelsThereAre) {
  const std::string rest =
      "but log_level can be internal, debug, call, note, warning, error or none; the default is "
      "used, " + std::string(kLogLevelNames[unsigned(Config::kLogLevel)]) + "\n";
  EXPECT_EQ(parse_log("loud").said, "ralloc: RALLOC_LOG has \"loud\", " + rest);
  EXPECT_EQ(parse("log_level=3").said, "ralloc: RALLOC_OPTIONS has \"log_level=3\", " + rest);
}

TEST(OptionsTest, SaysWhichOptionsThereAre) {
  EXPECT_EQ(parse("colour=blue").said,
            "ralloc: RALLOC_OPTIONS has \"colour=blue\", which is ignored; options are decay_ms, "
            "decay_bytes, dirty_bytes, shards, ledgers, magazine_bytes, pool_bytes, "
            "all_pools_bytes, log_level, log_fd, quarantine_bytes, leaks, deepbind\n");
}

TEST(OptionsTest, SaysOneLineForEachMistakeAndKeepsTheRest) {
  const Parsed parsed = parse("decay_ms=,blue=1,shards=4,leaks=2");
  EXPECT_EQ(std::count(parsed.said.begin(), parsed.said.end(), '\n'), 3);
  EXPECT_EQ(parsed[kOption_shards], 4u);
  EXPECT_EQ(parsed.values, parse("shards=4").values);
}

TEST(OptionsTest, RefusesWhatIsNoNumber) {
  for (const char* value : {"", "-1", "+1", " 1", "1 ", "0x10", "1.5", "k", "1kk", "1kb", "1e3",
                            "99999999999999999999999", "17179869184G", "=1"}) {
    const Parsed parsed = parse("pool_bytes=" + std::string(value));
    EXPECT_EQ(parsed[kOption_pool_bytes], Config::kPoolBytes) << value;
    EXPECT_NE(parsed.said, "") << value;
  }
  EXPECT_NE(parse("shards=1k").said, "") << "a suffix is for bytes";
  EXPECT_NE(parse("shards").said, "") << "no value at all";
}

TEST(OptionsTest, NamesAreWhole) {
  for (const char* piece : {"shard=1", "shardss=1", " shards=1", "Shards=1", "=1", "="}) {
    EXPECT_NE(parse(piece).said.find("which is ignored"), std::string::npos) << piece;
    EXPECT_EQ(parse(piece).values, parse("").values) << piece;
  }
}

TEST(OptionsTest, QuotesABeginningOfLongAndStrangeText) {
  const std::string a(100'000, 'a');
  EXPECT_EQ(parse(a).said.find("ralloc: RALLOC_OPTIONS has \"" + a.substr(0, 40) + "...\", which"),
            0u);
  EXPECT_EQ(parse("a\n\x1b[31m=\xff").said.find("ralloc: RALLOC_OPTIONS has \"a??[31m=?\", which"),
            0u);
  EXPECT_EQ(parse("shards=" + std::string(100'000, '0') + "5")[kOption_shards], 5u);
}

TEST(OptionsTest, SaysNothingWhenAnotherThreadDoes) {
  const Parsed quiet = capture([](std::uint64_t* v) {
    detail::parse_options("decay_ms=x,blue,shards=9", v, false);
    detail::parse_log_level("loud", v, false);
  });
  EXPECT_EQ(quiet, parse("shards=9"));
}

// --- What is in force --------------------------------------------------------------------------

// This process: a test that is run with options of its own sees those.
TEST(OptionsTest, TheEnvironmentOfTheStartIsInForce) {
  const Options before = options();
  ASSERT_EQ(setenv("RALLOC_OPTIONS", "decay_ms=123456", 1), 0);
  std::thread([&] { EXPECT_EQ(options().decay_ms, before.decay_ms); }).join();
  EXPECT_EQ(options().decay_ms, before.decay_ms);
  unsetenv("RALLOC_OPTIONS");
}

// As threads may that allocate before the library's constructor has run.
TEST(OptionsTest, ThreadsThatReadFirstFindTheSame) {
  const Options before = options();
  detail::options_are_read.store(false, std::memory_order_relaxed);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (unsigned k = 0; k < 1000; ++k) {
        detail::options_are_read.store(false, std::memory_order_relaxed);
        EXPECT_EQ(options().pool_bytes, before.pool_bytes);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(options().decay_ms, before.decay_ms);
}

}  // namespace
}  // namespace ralloc
