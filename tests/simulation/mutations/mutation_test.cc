// Linked with an engine in which one guarantee is broken: a checker that lets it pass proves nothing. (etcd's
// rule: a harness must find the bugs it is there for.)
#include <cstdlib>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/simulation/simulation.h"

namespace sluice {
namespace {

constexpr uint64_t kSeeds = 300;

TEST(Mutation, IsFoundBySomeSeed) {
  const char* expected = std::getenv("SLUICE_EXPECTED_INVARIANT");
  ASSERT_NE(expected, nullptr) << "run by ctest, or name the invariant that the mutation breaks (I4)";
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const SimulationReport report = Simulate({.seed = seed, .engine = StoreEngine::kSqlite});
    for (const history::Violation& violation : report.violations) {
      if (violation.invariant != expected) continue;
      std::printf("seed %d: %s at event %zu: %s\n", static_cast<int>(seed), expected, violation.event,
                  violation.what.c_str());
      return;
    }
  }
  FAIL() << "none of " << kSeeds << " seeds broke " << expected;
}

}  // namespace
}  // namespace sluice
