// Phase one over one page of postings. Pure: the answer does not depend on how pages are split.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/pipeline/screen_codec.h"
#include "core/screening/screener.h"
#include "core/store/batch.h"

namespace sluice {

struct PostingRange {
  size_t begin = 0;
  size_t end = 0;
};

// Splits `postings` into at most `workers` ranges of at least `min_postings` each (one range when there are
// fewer).
std::vector<PostingRange> SplitPage(size_t postings, int workers, size_t min_postings);

// What phase one says of a posting, in short. Why it says nothing: it cannot be decoded, its work is over the
// budget, or no longer wanted.
absl::StatusOr<PhaseOneSummary> SummariseJob(const ScreenCodec& codec, const Screener& screener,
                                             absl::Time as_of, const StoredJob& job, WorkBudget& budget);

// Of a verdict as it is stored: any one fits into an answer, with room for its id and its error.
inline constexpr size_t kMaxResultBytes = 1 << 20;

// SUCCEEDED with the verdict; FAILED when its score is no number (reason NOT_FINITE), or when it takes more
// than kMaxResultBytes (RESULT_TOO_LARGE).
NewOutcome VerdictOutcome(const ScreenCodec& codec, const Verdict& verdict);

// All that phase one has to say about a posting, or the same error.
absl::StatusOr<PhaseOneResult> ExplainJob(const ScreenCodec& codec, const Screener& screener,
                                          absl::Time as_of, const StoredJob& job, WorkBudget& budget);

// What compiling a batch's profile costs, near enough for its share of the workers; `spec_bytes` of
// Batch::spec.
constexpr int64_t StepsToCompile(size_t spec_bytes) {
  return 64 * static_cast<int64_t>(spec_bytes);
}

// Bytes that a result takes in memory, near enough to bound how many are kept.
int64_t MemoryOf(const PhaseOneResult& result);

}  // namespace sluice
