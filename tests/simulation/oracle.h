// What must come out of a batch, computed from what its client sent and its committed plan alone, whatever
// happened to the servers on the way.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/screening/screener.h"
#include "tests/fakes/fake_encoder.h"
#include "tests/simulation/world.h"

namespace sluice {

// The jobs that a plan lets go on, in no order of meaning. None when nothing of the batch can be screened.
std::vector<int64_t> SurvivorsOfPlan(const ScreenCodec& codec, const Content& content,
                                     const std::string& plan);

// The result of a job that SUCCEEDED: its vector, or its verdict with or without the model.
class ResultOracle {
 public:
  // All must outlive it; `plan` is "" for an embed batch.
  ResultOracle(const World& world, const Content& content, const std::string& plan);

  std::string ResultOf(int64_t job, bool encoded);

 private:
  std::string VectorOf(const NewJob& job);
  std::string VerdictOf(const NewJob& job, bool encoded);
  std::vector<float> Encode(const std::vector<std::vector<int32_t>>& windows);

  const World& world_;
  const Content& content_;
  FakeEncoder encoder_;
  GatePlan plan_;
  std::unique_ptr<const Screener> screener_;  // null for an embed batch
  std::vector<float> profile_vector_;
};

}  // namespace sluice
