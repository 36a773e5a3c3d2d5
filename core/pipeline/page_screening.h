// Phase one over one page of postings. Pure: the answer does not depend on how pages are split.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/pipeline/job_codec.h"
#include "core/screening/screener.h"
#include "core/store/batch_store.h"

namespace sluice {

struct PostingRange {
  size_t begin = 0;
  size_t end = 0;
};

// Splits `postings` into at most `workers` ranges of at least `min_postings` each (one range when there are
// fewer).
std::vector<PostingRange> SplitPage(size_t postings, int workers, size_t min_postings);

// A posting after phase one.
struct Summarised {
  bool decoded = false;
  PhaseOneSummary summary;
};

Summarised SummariseJob(const JobCodec& codec, const Screener& screener, absl::Time as_of,
                        const StoredJob& job);

// SUCCEEDED with the verdict; FAILED, reason NOT_FINITE, when its score is no number.
NewOutcome VerdictOutcome(const JobCodec& codec, const Verdict& verdict);

// All that phase one has to say about a posting, or why it cannot be decoded.
absl::StatusOr<PhaseOneResult> ExplainJob(const JobCodec& codec, const Screener& screener, absl::Time as_of,
                                          const StoredJob& job);

// Bytes that a result takes in memory, near enough to bound how many are kept.
int64_t MemoryOf(const PhaseOneResult& result);

}  // namespace sluice
