#include "tests/simulation/simulation.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

// How many seeds a run takes; SLUICE_SIM_SEEDS and SLUICE_SIM_SEED override it.
#ifndef SLUICE_SIM_DEFAULT_SEEDS
#define SLUICE_SIM_DEFAULT_SEEDS 1000
#endif

int64_t Environment(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  int64_t value = 0;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

struct Totals {
  Counts<FaultSite> fired{};
  Counts<Landmark> landmarks{};
  int64_t steps = 0;
  size_t events = 0;
  absl::Duration slowest;  // virtual, of a seed
  uint64_t slowest_seed = 0;

  void Add(uint64_t seed, const SimulationReport& report) {
    if (report.ended > slowest) {
      slowest = report.ended;
      slowest_seed = seed;
    }
    for (size_t i = 0; i < fired.size(); ++i) fired[i] += report.fired[i];
    for (size_t i = 0; i < landmarks.size(); ++i) landmarks[i] += report.landmarks[i];
    steps += report.steps;
    events += report.history.size();
  }
};

std::string HowToReplay(const SimulationOptions& options, const SimulationReport& report) {
  const std::string file =
      absl::StrCat(testing::TempDir(), "sluice_simulation_", options.seed, "_", getpid(), ".jsonl");
  std::ofstream out(file);
  history::Write(report.history, out);
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  return absl::StrCat("seed ", options.seed, " broke:\n", history::Describe(report.violations),
                      "replay: SLUICE_SIM_SEED=", options.seed,
                      " ./simulation_test --gtest_filter=", test->test_suite_name(), ".", test->name(),
                      "\nhistory: ", file);
}

// Runs the seeds and reports the first that breaks an invariant.
Totals RunSeeds(StoreEngine engine, int64_t seeds) {
  Totals totals;
  const int64_t only = Environment("SLUICE_SIM_SEED", 0);
  const int64_t first = only != 0 ? only : 1;
  const int64_t last = only != 0 ? only : seeds;
  for (int64_t seed = first; seed <= last && !testing::Test::HasFailure(); ++seed) {
    const SimulationOptions options{.seed = static_cast<uint64_t>(seed), .engine = engine};
    const SimulationReport report = Simulate(options);
    EXPECT_TRUE(report.violations.empty()) << HowToReplay(options, report);
    totals.Add(options.seed, report);
  }
  return totals;
}

bool AllSeedsRan() {
  return std::getenv("SLUICE_SIM_SEED") == nullptr && !testing::Test::HasFailure();
}

void Show(const Totals& totals) {
  for (size_t i = 0; i < totals.fired.size(); ++i) {
    std::printf("  %-22s %8lld\n", FaultSiteName(static_cast<FaultSite>(i)),
                static_cast<long long>(totals.fired[i]));
  }
  for (size_t i = 0; i < totals.landmarks.size(); ++i) {
    std::printf("  %-22s %8lld\n", LandmarkName(static_cast<Landmark>(i)),
                static_cast<long long>(totals.landmarks[i]));
  }
  std::printf("  %lld steps, %zu events; seed %d took longest to end: %s of virtual time\n",
              static_cast<long long>(totals.steps), totals.events, static_cast<int>(totals.slowest_seed),
              absl::FormatDuration(totals.slowest).c_str());
}

bool NeedsADisk(FaultSite site) {
  return site == FaultSite::kDiskFull || site == FaultSite::kCrashBeforeCommit ||
         site == FaultSite::kCrashBeforeAnswer || site == FaultSite::kFailedStore;
}

// The promise: whatever goes wrong, no acknowledged batch is lost, no outcome changes, and every batch ends
// once the faults do.
TEST(Simulation, HoldsTheInvariantsOnASharedStore) {
  const Totals totals =
      RunSeeds(StoreEngine::kInMemory, Environment("SLUICE_SIM_SEEDS", SLUICE_SIM_DEFAULT_SEEDS));
  Show(totals);
  if (!AllSeedsRan()) return;
  for (size_t i = 0; i < totals.fired.size(); ++i) {
    const auto site = static_cast<FaultSite>(i);
    if (NeedsADisk(site)) continue;
    EXPECT_GT(totals.fired[i], 0) << FaultSiteName(site) << " never happened";
  }
  for (size_t i = 0; i < totals.landmarks.size(); ++i) {
    EXPECT_GT(totals.landmarks[i], 0) << LandmarkName(static_cast<Landmark>(i)) << " never happened";
  }
}

// The same with the real engine, its group commit and its file, dying between and inside commits.
TEST(Simulation, HoldsTheInvariantsOnSqlite) {
  constexpr int64_t kSeedsThatMeetEverySite = 50;  // fewer run under the sanitizers, for the code's sake only
  const int64_t seeds = Environment("SLUICE_SIM_SEEDS", SLUICE_SIM_DEFAULT_SEEDS) / 20;
  const Totals totals = RunSeeds(StoreEngine::kSqlite, seeds);
  Show(totals);
  if (!AllSeedsRan() || seeds < kSeedsThatMeetEverySite) return;
  for (size_t i = 0; i < totals.fired.size(); ++i) {
    EXPECT_GT(totals.fired[i], 0) << FaultSiteName(static_cast<FaultSite>(i)) << " never happened";
  }
}

// A seed is worth something only if it runs the same way again.
TEST(Simulation, RepeatsItself) {
  for (const StoreEngine engine : {StoreEngine::kInMemory, StoreEngine::kSqlite}) {
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      const SimulationReport first = Simulate({.seed = seed, .engine = engine});
      const SimulationReport second = Simulate({.seed = seed, .engine = engine});
      EXPECT_EQ(first.steps, second.steps);
      ASSERT_EQ(first.history.size(), second.history.size());
      for (size_t i = 0; i < first.history.size(); ++i) {
        ASSERT_EQ(history::ToLine(first.history[i]), history::ToLine(second.history[i])) << "event " << i + 1;
      }
    }
  }
}

}  // namespace
}  // namespace sluice
