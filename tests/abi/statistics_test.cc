// The statistics and tuning calls: brief, but true.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "abi/malloc_family.h"
#include "support/build.h"
#include "support/process.h"

namespace {

using ralloc_test::kMiB;

std::size_t bytes_in_use() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;  // large blocks may be counted as mapped, as in glibc
}

// Collects what a call writes to a stream.
class Capture {
 public:
  Capture() : file_(std::tmpfile()) {}
  ~Capture() { std::fclose(file_); }
  std::FILE* file() { return file_; }
  std::string text() {
    std::fflush(file_);
    std::rewind(file_);
    std::string all;
    for (int c; (c = std::fgetc(file_)) != EOF;) all += char(c);
    return all;
  }

 private:
  std::FILE* file_;
};

TEST(MallinfoTest, BytesInUseFollowSmallBlocks) {
  for (const std::size_t size : {16, 100, 1000, 10000}) {
    SCOPED_TRACE(size);
    const std::size_t count = 20 * kMiB / size;
    std::vector<void*> blocks(count);
    const std::size_t before = bytes_in_use();
    std::size_t usable = 0;
    for (void*& block : blocks) {
      block = malloc(size);
      usable += malloc_usable_size(block);
    }
    const std::size_t during = bytes_in_use();
    const std::size_t slack = usable / 20;  // blocks that move between magazines and spans
    EXPECT_GE(during, before + usable - slack);
    // The security build counts blocks by their classes, and knows what was asked for.
    const std::size_t besides = ralloc_test::kSecureBuild ? count * (size / 8 + 16) : 0;
    EXPECT_LE(during, before + usable + besides + slack);
    for (void* block : blocks) free(block);
    const std::size_t after = bytes_in_use();
    EXPECT_LE(after, before + slack);
    EXPECT_GE(after + slack, before);
  }
}

TEST(MallinfoTest, BytesInUseFollowLargeBlocks) {
  const std::size_t before = bytes_in_use();
  void* block = malloc(50 * kMiB);
  ASSERT_NE(block, nullptr);
  EXPECT_GE(bytes_in_use(), before + 50 * kMiB);
  EXPECT_LE(bytes_in_use(), before + 51 * kMiB);
  free(block);
  EXPECT_LE(bytes_in_use(), before + kMiB);
  EXPECT_GE(bytes_in_use() + kMiB, before);
}

TEST(MallinfoTest, UseFitsIntoWhatIsMapped) {
  std::vector<void*> blocks(5000);
  for (void*& block : blocks) block = malloc(1000);
  for (std::size_t i = 0; i < blocks.size(); i += 2) free(blocks[i]);
  const struct mallinfo2 info = mallinfo2();
  EXPECT_LE(info.uordblks + info.fordblks, info.arena + info.hblkhd);
  EXPECT_GE(info.uordblks + info.hblkhd, blocks.size() / 2 * 1000);
  for (std::size_t i = 1; i < blocks.size(); i += 2) free(blocks[i]);
}

// Looked up by name because glibc's header calls the old form deprecated.
TEST(MallinfoTest, TheOldFormTellsTheSame) {
  using Mallinfo = struct mallinfo (*)();
  auto old_form = reinterpret_cast<Mallinfo>(dlsym(RTLD_DEFAULT, "mallinfo"));
  ASSERT_NE(old_form, nullptr);
  const auto old_in_use = [&] {
    const struct mallinfo info = old_form();
    return std::size_t(unsigned(info.uordblks)) + std::size_t(unsigned(info.hblkhd));
  };
  const std::size_t before = old_in_use();
  void* block = malloc(50 * kMiB);
  ASSERT_NE(block, nullptr);
  EXPECT_GE(old_in_use(), before + 50 * kMiB);
  EXPECT_LE(old_in_use(), before + 51 * kMiB);
  free(block);
}

TEST(MalloptTest, KnowsTheParametersOfGlibc) {
  for (const int parameter : {M_MXFAST, M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_MMAP_MAX,
                              M_CHECK_ACTION, M_PERTURB, M_ARENA_TEST, M_ARENA_MAX}) {
    EXPECT_EQ(mallopt(parameter, 1), 1) << parameter;
  }
  void* block = malloc(100);
  EXPECT_NE(block, nullptr);
  free(block);
}

TEST(MalloptTest, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(mallopt(4711, 1), 0);
  EXPECT_EQ(mallopt(-4711, 1), 0);
}

TEST(MallocStatsTest, WritesLinesToStandardError) {
  Capture capture;
  const int saved = dup(STDERR_FILENO);
  ASSERT_GE(saved, 0);
  std::fflush(stderr);
  ASSERT_GE(dup2(fileno(capture.file()), STDERR_FILENO), 0);
  malloc_stats();
  std::fflush(stderr);
  ASSERT_GE(dup2(saved, STDERR_FILENO), 0);
  close(saved);
  const std::string text = capture.text();
  ASSERT_FALSE(text.empty());
  EXPECT_EQ(text.back(), '\n');
  EXPECT_NE(text.find_first_of("0123456789"), std::string::npos) << text;
}

// Enough of XML for what malloc_info writes: tags that nest, attributes in quotes.
class XmlReader {
 public:
  explicit XmlReader(const std::string& text) : text_(text) {}

  // Whether the text is one element, perhaps after a declaration, and ends with it.
  bool is_well_formed() {
    skip_space();
    if (text_.compare(at_, 5, "<?xml") == 0) {
      at_ = text_.find("?>", at_);
      if (at_ == std::string::npos) return false;
      at_ += 2;
    }
    skip_space();
    if (!element()) return false;
    skip_space();
    return at_ == text_.size();
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool eat(char c) { return at_ < text_.size() && text_[at_] == c && ++at_ != 0; }
  std::string name() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) ||
                                  std::strchr("_-:.", text_[at_]) != nullptr)) {
      ++at_;
    }
    return text_.substr(begin, at_ - begin);
  }
  bool attributes() {
    for (skip_space(); at_ < text_.size() && text_[at_] != '>' && text_[at_] != '/'; skip_space()) {
      if (name().empty() || !eat('=') || !eat('"')) return false;
      at_ = text_.find('"', at_);
      if (at_ == std::string::npos) return false;
      ++at_;
    }
    return true;
  }
  bool element() {
    if (!eat('<')) return false;
    const std::string opened = name();
    if (opened.empty() || !attributes()) return false;
    if (eat('/')) return eat('>');
    if (!eat('>')) return false;
    for (;;) {
      while (at_ < text_.size() && text_[at_] != '<') {
        if (text_[at_] == '>' || text_[at_] == '&') return false;
        ++at_;
      }
      if (text_.compare(at_, 2, "</") == 0) {
        at_ += 2;
        return name() == opened && eat('>');
      }
      if (!element()) return false;
    }
  }

  const std::string& text_;
  std::size_t at_ = 0;
};

TEST(MallocInfoTest, WritesWellFormedXml) {
  ASSERT_TRUE(XmlReader("<?xml?>\n<a b=\"1\"><c/>x<d>2</d></a>\n").is_well_formed());
  for (const char* broken : {"", "x", "<a>", "<a></b>", "<a b=1/>", "<a/><b/>", "<a><b></a></b>"}) {
    ASSERT_FALSE(XmlReader(broken).is_well_formed()) << broken;
  }
  Capture capture;
  ASSERT_EQ(malloc_info(0, capture.file()), 0);
  const std::string text = capture.text();
  EXPECT_TRUE(XmlReader(text).is_well_formed()) << text;
  EXPECT_EQ(text.find("<malloc"), text.find_first_of('<')) << text;
}

TEST(MallocInfoTest, RefusesOptions) {
  Capture capture;
  EXPECT_NE(malloc_info(1, capture.file()), 0);
  EXPECT_EQ(capture.text(), "");
}

}  // namespace
