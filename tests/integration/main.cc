// Each idea in each way, as one test: Ideas/PartsOf64.InNestedThreads.
#include <gtest/gtest.h>

#include "integration/ways.h"
#include "support/seed.h"

namespace {

using ralloc_test::Idea;
using ralloc_test::Way;

class IdeaTest : public testing::Test {
 public:
  IdeaTest(const Idea& idea, const Way& way) : idea_(idea), way_(way) {}
  void TestBody() override { way_.run(idea_, ralloc_test::new_seed()); }

 private:
  const Idea& idea_;
  const Way& way_;
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (const Idea& idea : ralloc_test::kIdeas) {
    for (const Way& way : ralloc_test::kWays) {
      testing::RegisterTest((std::string("Ideas/") + idea.name).c_str(), way.name, nullptr,
                            nullptr, __FILE__, __LINE__,
                            [&]() -> IdeaTest* { return new IdeaTest(idea, way); });
    }
  }
  return RUN_ALL_TESTS();
}
