#include "tests/simulation/oracle.h"

#include <iterator>
#include <utility>

#include "core/pipeline/page_screening.h"
#include "core/pipeline/window_encode.h"
#include "gtest/gtest.h"

namespace sluice {

std::vector<int64_t> SurvivorsOfPlan(const ScreenCodec& codec, const Content& content,
                                     const std::string& plan) {
  const absl::StatusOr<ScreenSpec> spec = codec.DecodeScreenSpec(content.batch.spec);
  const absl::StatusOr<GatePlan> decoded = codec.DecodePlan(plan);
  if (!spec.ok() || !decoded.ok()) return {};
  const auto screener = Screener::Compile(spec->profile);
  if (!screener.ok()) return {};
  std::vector<PhaseOneSummary> summaries;
  std::vector<int64_t> indices;
  for (size_t i = 0; i < content.jobs.size(); ++i) {
    const StoredJob job{static_cast<int64_t>(i), content.jobs[i].id, content.jobs[i].payload};
    WorkBudget budget;
    const absl::StatusOr<PhaseOneSummary> summary =
        SummariseJob(codec, **screener, decoded->as_of, job, budget);
    if (!summary.ok()) continue;
    summaries.push_back(*summary);
    indices.push_back(job.index);
  }
  std::vector<int64_t> survivors;
  for (const int64_t summary : SurvivorsOf(*decoded, summaries)) {
    survivors.push_back(indices[static_cast<size_t>(summary)]);
  }
  return survivors;
}

ResultOracle::ResultOracle(const World& world, const Content& content, const std::string& plan)
    : world_(world), content_(content), encoder_({.max_tokens = kMaxTokens}) {
  if (plan.empty()) return;
  plan_ = *world.codec.DecodePlan(plan);
  const absl::StatusOr<ScreenSpec> spec = world.codec.DecodeScreenSpec(content.batch.spec);
  if (!spec.ok()) return;  // no job of it succeeds
  screener_ = *Screener::Compile(spec->profile);
  profile_vector_ = Encode(world.tokenizer.EncodeWindows(screener_->profile_text(), kMaxTokens));
}

std::string ResultOracle::ResultOf(int64_t job, bool encoded) {
  const NewJob& sent = content_.jobs[static_cast<size_t>(job)];
  return content_.batch.kind == JobKind::kEmbed ? VectorOf(sent) : VerdictOf(sent, encoded);
}

std::string ResultOracle::VectorOf(const NewJob& job) {
  const Truncation truncation = world_.codec.DecodeEmbedSpec(content_.batch.spec)->truncation;
  const auto sequence = world_.tokenizer.Encode(job.payload, kMaxTokens, truncation);
  if (!sequence.ok()) return "no vector";
  return world_.codec.EncodeVector(Encode({sequence->ids}), std::ssize(sequence->ids), sequence->truncated);
}

std::string ResultOracle::VerdictOf(const NewJob& job, bool encoded) {
  const absl::StatusOr<Posting> posting = world_.codec.DecodePosting(job.id, job.payload);
  if (screener_ == nullptr || !posting.ok()) return "no verdict";
  WorkBudget budget;
  absl::StatusOr<PhaseOneResult> explained = screener_->Explain(*posting, plan_.as_of, budget);
  if (!explained.ok()) return "no verdict";
  PhaseOneResult phase_one = *std::move(explained);
  if (!encoded)
    return world_.codec.EncodeVerdict(screener_->VerdictWithoutModel(plan_, std::move(phase_one)));
  const auto windows = world_.tokenizer.EncodeWindows(PostingText(*posting), kMaxTokens);
  const double cosine = Cosine(profile_vector_, Encode(windows));
  return world_.codec.EncodeVerdict(
      screener_->VerdictWithModel(plan_, std::move(phase_one), cosine, static_cast<int>(windows.size())));
}

std::vector<float> ResultOracle::Encode(const std::vector<std::vector<int32_t>>& windows) {
  std::vector<std::vector<float>> vectors;
  std::vector<int64_t> tokens;
  for (const std::vector<int32_t>& window : windows) {
    const absl::Span<const int32_t> text(window);
    vectors.emplace_back(static_cast<size_t>(encoder_.description().dimensions));
    EXPECT_TRUE(encoder_.Encode({text}, absl::MakeSpan(vectors.back())).ok());
    tokens.push_back(std::ssize(window));
  }
  return PoolWindows(vectors, tokens);
}

}  // namespace sluice
