// VerdictTally: what came out of a batch, counted result by result.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/civil_time.h"
#include "sluice/v1/batches.pb.h"

namespace sluice {

// Takes some bytes a rule, whatever the number of results.
struct VerdictTally {
  // Of one rule; a posting may be vetoed by several.
  struct Vetoes {
    int64_t postings = 0;
    int64_t by_age = 0;   // of these: older than a recency rule wants
    int64_t unknown = 0;  // of these: nothing was found to judge by
  };
  static constexpr size_t kMaxRules = 1000;  // more than a profile has; others are not counted

  int64_t accepted = 0;
  int64_t to_review = 0;
  int64_t rejected = 0;
  int64_t judged = 0;                               // with a verdict
  std::vector<std::string> failures;                // "id: why", the first few
  absl::flat_hash_map<std::string, Vetoes> vetoes;  // by the rule's id
  std::optional<absl::CivilDay> newest;             // date_posted, as far as a recency rule read it

  void Add(const v1::JobResult& result);
};

}  // namespace sluice
