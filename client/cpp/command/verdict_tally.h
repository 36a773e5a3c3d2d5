// VerdictTally: what came out of a batch, counted result by result.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sluice/v1/batches.pb.h"

namespace sluice {

struct VerdictTally {
  int64_t accepted = 0;
  int64_t to_review = 0;
  int64_t rejected = 0;
  std::vector<std::string> failures;  // "id: why", the first few

  void Add(const v1::JobResult& result);
};

}  // namespace sluice
