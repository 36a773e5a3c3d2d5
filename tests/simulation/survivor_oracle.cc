#include "tests/simulation/survivor_oracle.h"

#include "core/pipeline/page_screening.h"

namespace sluice {

std::vector<int64_t> SurvivorsOfPlan(const JobCodec& codec, const Content& content, const std::string& plan) {
  const absl::StatusOr<ScreenSpec> spec = codec.DecodeScreenSpec(content.batch.spec);
  const absl::StatusOr<GatePlan> decoded = codec.DecodePlan(plan);
  if (!spec.ok() || !decoded.ok()) return {};
  const auto screener = Screener::Compile(spec->profile);
  if (!screener.ok()) return {};
  std::vector<PhaseOneSummary> summaries;
  std::vector<int64_t> indices;
  for (size_t i = 0; i < content.jobs.size(); ++i) {
    const StoredJob job{static_cast<int64_t>(i), content.jobs[i].id, content.jobs[i].payload};
    const Summarised summarised = SummariseJob(codec, **screener, decoded->as_of, job);
    if (!summarised.decoded) continue;
    summaries.push_back(summarised.summary);
    indices.push_back(job.index);
  }
  std::vector<int64_t> survivors;
  for (const int64_t summary : SurvivorsOf(*decoded, summaries)) {
    survivors.push_back(indices[static_cast<size_t>(summary)]);
  }
  return survivors;
}

}  // namespace sluice
