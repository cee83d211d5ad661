// What the log says of what is lost or kept: in the log build alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "global_pool/global_pool.h"
#include "tests/support/log_bed.h"
#include "tests/support/lossy_sync.h"
#include "tests/support/small_pool.h"

namespace ralloc {
namespace {

using ralloc_test::FakeKernel;
using ralloc_test::is_lost_at;
using ralloc_test::LossyLimits;
using ralloc_test::LossySync;
using Pool = GlobalPool<LossySync, LossyLimits>;

class LogLostTest : public ralloc_test::LogBed {
 protected:
  LogLostTest() { kernel_.state().address_limit = (std::size_t{1} << 35) - 1; }

  void take(std::size_t n) {
    void* blocks[16];
    (void)pool_.take(0, 1, blocks, n);
  }
  std::size_t count(const std::string& line) {
    const Lines lines = messages();
    return std::size_t(std::count(lines.begin(), lines.end(), line));
  }

  FakeKernel kernel_;
  Pool::Shards shards_{};
  Pool pool_{shards_};
};

TEST_F(LogLostTest, TellsOfAShardThatIsRetired) {
  const std::string lost =
      "note : a fork lost the thread that held a shard's lock: its spans are given up";
  take(4);
  ASSERT_TRUE(is_lost_at(2, [this] { take(1); })) << "the first step is the lock itself";
  EXPECT_EQ(count(lost), 0u);
  take(1);
  EXPECT_EQ(count(lost), 1u);
  take(1);
  EXPECT_EQ(count(lost), 0u) << "once";
}

TEST_F(LogLostTest, TellsOfALedgerThatIsRetired) {
  const std::string lost =
      "note : a fork lost the thread that held the ledger's lock: its free runs are given up";
  ASSERT_NE(pool_.take_large(1, 1), nullptr);
  ASSERT_TRUE(is_lost_at(3, [this] { (void)pool_.take_large(1, 1); }));
  EXPECT_EQ(count(lost), 0u);
  ASSERT_NE(pool_.take_large(1, 1), nullptr);
  EXPECT_EQ(count(lost), 1u);
}

TEST_F(LogLostTest, WarnsOfMemoryThatTheSystemRefusesAndNotOfWhatItWasNotOffered) {
  pool_.give_large(pool_.take_large(1, 1), SpanState::kDirty);
  const auto warnings_of_purge = [&](std::uint64_t now_ms, std::size_t least) {
    EXPECT_EQ(pool_.purge(now_ms, now_ms, SIZE_MAX, least), 0u);
    const Lines lines = messages();
    return std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
      return line.starts_with("warning : the OS does not take back 0x");
    });
  };
  EXPECT_EQ(warnings_of_purge(0, SIZE_MAX), 0);
  kernel_.state().refuse_purges = true;
  EXPECT_EQ(warnings_of_purge(1, 0), 1);
}

}  // namespace
}  // namespace ralloc
