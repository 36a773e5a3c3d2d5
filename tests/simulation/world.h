// World: what everything in one run shares.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "core/store/batch_store.h"
#include "tests/contract/stepped_kind.h"
#include "tests/fakes/line_codec.h"
#include "tests/fakes/simulated_clock.h"
#include "tests/fakes/word_tokenizer.h"
#include "tests/history/history.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/timeline.h"

namespace sluice {

inline constexpr int kMaxTokens = 16;  // of a text

// What a client sent, as the store took it: by batch id.
struct Content {
  NewBatch batch;
  std::vector<NewJob> jobs;
};

// What an acknowledged batch still has to do, as far as it was heard.
struct Standing {
  std::string tenant;
  int64_t jobs = 0;
  int64_t done = 0;
};

// Single-threaded, like all of the simulation.
struct World {
  explicit World(uint64_t seed) : dice(seed), faults(dice) {}

  Dice dice;
  SimulatedClock clock;
  Timeline timeline{clock};
  Faults faults;
  history::History history;
  std::set<std::string> tenants;  // of all clients
  std::map<std::string, Content> contents;
  std::set<std::string> planned;                            // batches with a plan
  std::set<std::tuple<std::string, int64_t, Stage>> begun;  // batch, slot, stage: claimed once
  std::map<std::string, Standing> standings;
  LineCodec codec;
  WordTokenizer tokenizer;
  absl::Status store_lost;  // why the store's file did not open again, if it once did not
};

}  // namespace sluice
