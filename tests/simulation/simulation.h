// Simulation: servers, clients and a store in virtual time on one thread, with faults at every step, all
// drawn from one seed. What runs is the production code: the pipeline's body, the scheduler, the admission
// decision and a BatchStore. The same seed runs the same way again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/history/invariant_checker.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/simulated_store.h"

namespace sluice {

struct SimulationOptions {
  uint64_t seed = 1;
  StoreEngine engine = StoreEngine::kInMemory;  // up to three servers share it; SQLite has one
};

struct SimulationReport {
  // Of the checker, and of two invariants more, which a history does not show:
  //   I15 a job's result is what its payload and its batch's plan yield, whoever computed it and how often
  //   I17 the store's file opens again after every death
  std::vector<history::Violation> violations;
  history::History history;
  Counts<FaultSite> fired{};
  Counts<Landmark> landmarks{};
  int64_t steps = 0;     // events of the timeline
  absl::Duration ended;  // virtual time from the first event to the last batch's end
};

// Faults for two virtual minutes, then none until every acknowledged batch has ended, or half an hour has
// passed.
SimulationReport Simulate(const SimulationOptions& options);

}  // namespace sluice
