// One step of `sluice load`: an open loop at a rate, or a closed one that finds what a server can do.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "client/cpp/command/load_calls.h"
#include "client/cpp/command/load_plan.h"
#include "client/cpp/command/load_tally.h"
#include "core/base/clock.h"

namespace sluice {

// Batches are screened by rules alone, so that any server takes them; what is timed is until they are
// durable.
enum class LoadTarget { kEmbed, kBatches };

struct LoadShape {
  LoadTarget target = LoadTarget::kEmbed;
  Arrivals arrivals = Arrivals::kPoisson;
  std::vector<TextLength> lengths = {{16, 1}};
  int texts_per_call = 1;                       // 1..1024; of a batch, its jobs
  absl::Duration deadline = absl::Seconds(2);   // of a call, from when it is due
  absl::Duration duration = absl::Seconds(10);  // of a step
  int max_in_flight = 4096;                     // calls; one due beyond is counted and not sent
  uint64_t seed = 1;
};

struct LoadParts {
  LoadCalls* calls = nullptr;
  const Clock* clock = nullptr;
  // Waits; false: the user wants an end.
  absl::FunctionRef<bool(absl::Duration)> wait;
};

// Sends a call whenever one is due, at `rate` calls a second on average, and waits for the last answers.
LoadTally RunOpenLoop(const LoadShape& shape, double rate, const LoadParts& parts);

// Keeps `in_flight` calls running for the step's duration: goodput is the server's capacity for such calls.
LoadTally RunClosedLoop(const LoadShape& shape, int in_flight, const LoadParts& parts);

}  // namespace sluice
