// The program of all models: GoogleTest cases, one a model and scheduler, and what run.py asks.
//
//   verify_models                                runs all cases as the gate does, as tests
//   verify_models --list                         the cases
//   verify_models --case MODEL.CASE [LIMITS] [--replay STATE]     runs one
//   verify_models --survey [LIMITS]              runs all cases for a few executions each
//   verify_models --sites                        where the source can be mutated, and by whom
//                                                that place is reached
//   verify_models --mutant FILE:LINE:KIND | --bug NAME [--models A,B,..] [LIMITS]
//                                                runs models until one reports the mutant
//   LIMITS: --seconds S, --executions N  for each search; --begin N  skips so many random ones
//
// Answers are lines of JSON. A failing execution is printed by thread and source line.
#include <gtest/gtest.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "verify/bugs.h"
#include "verify/search.h"

namespace ralloc_verify {
namespace {

std::map<std::string, std::string> options;

double seconds_limit(double otherwise) {
  return options.count("--seconds") != 0 ? std::atof(options["--seconds"].c_str()) : otherwise;
}
std::uint64_t number(const char* option, std::uint64_t otherwise) {
  return options.count(option) != 0 ? std::strtoull(options[option].c_str(), nullptr, 10)
                                    : otherwise;
}
std::uint64_t executions_limit(std::uint64_t otherwise) {
  return number("--executions", otherwise);
}

// Of a case run by itself: a tree search may take its time, a random one gets half a second.
Search search_of(const Case& one) {
  const bool is_random = one.scheduler == Scheduler::kRandom;
  return {one.scheduler, one.bound, executions_limit(~0ull), seconds_limit(is_random ? 0.5 : 300),
          is_random ? number("--begin", 0) : 0};
}

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= ' ') out += c;
  }
  return out;
}

void print_case(const Model& model, const Case& one) {
  std::printf("\"model\": \"%s\", \"case\": \"%s\", \"invariants\": \"%s\", \"threads\": %u, "
              "\"operations\": %u, \"scheduler\": \"%s\"",
              model.name, one.name().c_str(), model.invariants, one.threads, model.operations,
              one.scheduler == Scheduler::kRandom  ? "random"
              : one.scheduler == Scheduler::kBound ? ("bound " + std::to_string(one.bound)).c_str()
                                                   : "full");
}

void print_outcome(const Model& model, const Case& one, const Outcome& outcome) {
  std::printf("{");
  print_case(model, one);
  std::printf(", \"holds\": %s, \"exhausted\": %s, \"executions\": %" PRIu64
              ", \"seconds\": %.2f, \"verdict\": \"%s\"}\n",
              outcome.holds ? "true" : "false", outcome.is_exhausted ? "true" : "false",
              outcome.executions, outcome.seconds, escaped(outcome.verdict).c_str());
}

std::string failure(const Model& model, const Case& one, const Outcome& outcome) {
  if (!outcome.holds) {
    return outcome.history + "\n" + outcome.verdict + "\nrun it again: ./dev verify --case " +
           model.name + "." + one.name() + " --replay '" + outcome.replay + "'\n";
  }
  if (one.scheduler != Scheduler::kRandom && !outcome.is_exhausted) {
    return "the search did not finish in " + std::to_string(outcome.seconds) + " s\n";
  }
  return "";
}

template <class Visit>
void for_each_case(Visit visit) {
  for (const Model& model : models()) {
    for (const Case& one : model.cases) visit(model, one);
  }
}

// --- What run.py asks ----------------------------------------------------------------------------

int list() {
  for_each_case([](const Model& model, const Case& one) {
    std::printf("{");
    print_case(model, one);
    std::printf("}\n");
  });
  for (const std::string& name : bug_names()) std::printf("{\"bug\": \"%s\"}\n", name.c_str());
  return 0;
}

int run_case(const std::string& name) {
  int status = 2;
  for_each_case([&](const Model& model, const Case& listed) {
    const std::string begin = model.name + std::string(".");
    const Case gated = listed.in_gate();
    if (begin + listed.name() != name && begin + gated.name() != name) return;
    const Case& one = begin + listed.name() == name ? listed : gated;
    const Outcome outcome = one.run(search_of(one), options["--replay"]);
    const std::string failed = failure(model, one, outcome);
    std::fputs(failed.c_str(), stdout);
    print_outcome(model, one, outcome);
    status = failed.empty() ? 0 : 1;
  });
  if (status == 2) std::fprintf(stderr, "there is no case %s; --list lists them\n", name.c_str());
  return status;
}

int survey() {
  int status = 0;
  for_each_case([&](const Model& model, const Case& one) {
    const Outcome outcome =
        one.run({one.scheduler, one.bound, executions_limit(5000), seconds_limit(20)}, "");
    print_outcome(model, one, outcome);
    if (!outcome.holds) status = 1;
  });
  return status;
}

int sites() {
  Mutation::is_recording = true;
  for (const Model& model : models()) {
    Mutation::site_count = 0;
    for (const Case& one : model.cases) {
      if (one.scheduler == Scheduler::kFull) continue;
      one.run({one.scheduler, one.bound, 2000, 1.0}, "");
    }
    for (unsigned i = 0; i < Mutation::site_count; ++i) {
      const Site& site = Mutation::sites[i];
      std::printf("{\"model\": \"%s\", \"site\": \"%s:%u:%s\"}\n", model.name, site.file,
                  site.line, kSiteKindNames[int(site.kind)]);
    }
  }
  return 0;
}

bool choose_mutant(std::string site) {
  const std::size_t kind = site.rfind(':');
  const std::size_t line = site.rfind(':', kind - 1);
  if (kind == std::string::npos || line == std::string::npos) return false;
  for (int k = 0; k < int(std::size(kSiteKindNames)); ++k) {
    if (site.substr(kind + 1) != kSiteKindNames[k]) continue;
    static std::string file;
    file = site.substr(0, line);
    Mutation::active = {file.c_str(), unsigned(std::atoi(site.c_str() + line + 1)), SiteKind(k)};
    return true;
  }
  return false;
}

// Short searches of every model first: most mutants fall within a few executions, and
// nearly all within some.
int hunt() {
  const std::string wanted = "," + options["--models"] + ",";
  std::uint64_t executions = 0;
  for (const std::uint64_t most : {std::uint64_t{4}, std::uint64_t{64}, std::uint64_t{512},
                                   std::uint64_t{2048}, ~std::uint64_t{0}}) {
    for (const Model& model : models()) {
      if (wanted != ",," && wanted.find("," + (model.name + std::string(","))) == std::string::npos) {
        continue;
      }
      for (std::size_t i = model.cases.size(); i-- > 0;) {  // random, bound, full
        const Case& one = model.cases[i];
        const Outcome outcome = one.run(
            {one.scheduler, one.bound, executions_limit(most), seconds_limit(5)}, "");
        executions += outcome.executions;
        if (outcome.holds) continue;
        print_outcome(model, one, outcome);
        return 0;
      }
    }
  }
  std::printf("{\"survived\": true, \"executions\": %" PRIu64 "}\n", executions);
  return 0;
}

// --- As tests ----------------------------------------------------------------------------------------

class ModelTest : public testing::Test {
 public:
  ModelTest(const Model& model, const Case& one) : model_(model), case_(one.in_gate()) {}
  void TestBody() override {
    const Outcome outcome = case_.run(search_of(case_), "");
    print_outcome(model_, case_, outcome);
    EXPECT_EQ(failure(model_, case_, outcome), "");
  }

 private:
  const Model& model_;
  const Case case_;
};

int run_tests() {
  for_each_case([](const Model& model, const Case& one) {
    testing::RegisterTest(model.name, one.in_gate().name().c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [&]() -> testing::Test* { return new ModelTest(model, one); });
  });
  return RUN_ALL_TESTS();
}

int dispatch(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const bool has_value = i + 1 < argc && std::strncmp(argv[i + 1], "--", 2) != 0;
    options[argv[i]] = has_value ? argv[i + 1] : "";
    if (has_value) ++i;
  }
  if (options.count("--list") != 0) return list();
  if (options.count("--survey") != 0) return survey();
  if (options.count("--sites") != 0) return sites();
  if (options.count("--bug") != 0 && !choose_bug(options["--bug"])) {
    std::fprintf(stderr, "there is no bug %s in this build\n", options["--bug"].c_str());
    return 2;
  }
  if (options.count("--mutant") != 0 && !choose_mutant(options["--mutant"])) {
    std::fprintf(stderr, "a mutant is FILE:LINE:KIND, not %s\n", options["--mutant"].c_str());
    return 2;
  }
  if (options.count("--case") != 0) return run_case(options["--case"]);
  if (options.count("--mutant") != 0 || options.count("--bug") != 0) return hunt();
  return run_tests();
}

}  // namespace
}  // namespace ralloc_verify

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  return ralloc_verify::dispatch(argc, argv);
}
