#include "core/pipeline/page_screening.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/pipeline/lease.h"

namespace sluice {

std::vector<PostingRange> SplitPage(size_t postings, int workers, size_t min_postings) {
  const size_t most = std::max<size_t>(1, postings / std::max<size_t>(1, min_postings));
  const size_t parts = std::min<size_t>(std::max(1, workers), most);
  std::vector<PostingRange> ranges;
  ranges.reserve(parts);
  for (size_t part = 0; part < parts; ++part) {
    ranges.push_back({postings * part / parts, postings * (part + 1) / parts});
  }
  return ranges;
}

absl::StatusOr<PhaseOneSummary> SummariseJob(const ScreenCodec& codec, const Screener& screener,
                                             absl::Time as_of, const StoredJob& job, WorkBudget& budget) {
  SLUICE_ASSIGN_OR_RETURN(const Posting posting, codec.DecodePosting(job.id, job.payload));
  return screener.Summarise(posting, as_of, budget);
}

NewOutcome VerdictOutcome(const ScreenCodec& codec, const Verdict& verdict) {
  if (!std::isfinite(verdict.score)) {
    return FailedOutcome(WithReason(absl::InternalError("the posting's score is not finite"), "NOT_FINITE"));
  }
  NewOutcome outcome{.kind = OutcomeKind::kSucceeded, .score = verdict.score};
  outcome.result = codec.EncodeVerdict(verdict);
  if (outcome.result.size() > kMaxResultBytes) {
    return FailedOutcome(WithReason(absl::ResourceExhaustedError(absl::StrCat(
                                        "the verdict takes ", outcome.result.size(), " bytes, limit ",
                                        kMaxResultBytes, ": use fewer rules or shorter terms")),
                                    "RESULT_TOO_LARGE"));
  }
  return outcome;
}

absl::StatusOr<PhaseOneResult> ExplainJob(const ScreenCodec& codec, const Screener& screener,
                                          absl::Time as_of, const StoredJob& job, WorkBudget& budget) {
  SLUICE_ASSIGN_OR_RETURN(const Posting posting, codec.DecodePosting(job.id, job.payload));
  return screener.Explain(posting, as_of, budget);
}

int64_t MemoryOf(const PhaseOneResult& result) {
  size_t bytes = sizeof(result) + result.rules.capacity() * sizeof(RuleResult) +
                 result.terms.capacity() * sizeof(TermContribution);
  for (const RuleResult& rule : result.rules) {
    bytes += rule.explanation.capacity() + rule.evidence.capacity() * sizeof(Evidence);
    for (const Evidence& evidence : rule.evidence)
      bytes += evidence.quote.capacity() + evidence.normalised.capacity();
  }
  return static_cast<int64_t>(bytes);
}

}  // namespace sluice
