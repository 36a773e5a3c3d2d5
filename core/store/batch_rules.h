// Batch rules: the decisions every engine of BatchStore takes alike, as pure functions: what a valid call is,
// which state the counts lead to, how a batch is named, and the refusals' exact codes and reasons.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/store/batch_store.h"

namespace sluice {

inline constexpr int64_t kMaxJobsInBatch = (int64_t{1} << 24) - 2;  // what an engine can number

// --- checks: INVALID_ARGUMENT with the field, else OK
// ----------------------------------------------------------------

absl::Status CheckNewBatch(const NewBatch& batch);
// Ids of 1..256 bytes; `earlier` jobs are in the batch already. Duplicates are the engine's to find.
absl::Status CheckJobs(absl::Span<const NewJob> jobs, int64_t earlier);
absl::Status CheckSealable(int64_t jobs);
absl::Status CheckRange(absl::string_view field, int64_t value, int64_t min, int64_t max);
absl::Status CheckSessionLease(absl::Duration lease);
absl::Status CheckClaim(const ClaimRequest& request);
absl::Status CheckOutcomes(absl::Span<const LeasedOutcome> outcomes);
absl::Status CheckPlanTask(const LeaseKey& task);
absl::Status CheckPlan(absl::Span<const NewOutcome> rejected, absl::Span<const PlannedJob> survivors,
                       int64_t jobs);

// --- refusals
// --------------------------------------------------------------------------------------------------------

absl::Status DuplicateJobId(int64_t position, absl::string_view id);
absl::Status NoSuchBatch(absl::string_view batch_id);
absl::Status NoSuchUpload(absl::string_view batch_id);
absl::Status UploadStillOpen(absl::string_view batch_id);
absl::Status NotFinished(absl::string_view batch_id);
absl::Status RequestIdReused();
absl::Status SequenceOutOfRange(int64_t after_sequence, int64_t last_sequence);
absl::Status SessionDead(SessionId session);
absl::Status Fenced();
absl::Status JobsStillWait(int64_t waiting);
absl::Status StoreBusy(int waiting_calls);
absl::Status StoreClosed();

// --- decisions
// -------------------------------------------------------------------------------------------------------

void CountOutcome(OutcomeKind kind, int64_t jobs, BatchCounts& counts);

// Of a batch whose every job is done. A batch that was cancelled too late to stop anything ends by its
// outcomes.
BatchState EndState(const BatchCounts& counts);

// What a job gets whose last attempt ended without a result.
NewOutcome AttemptsExhausted(int64_t job_index, int attempts);
// What the jobs of a batch get whose plan task ran out of attempts.
NewOutcome PlanAttemptsExhausted(int64_t job_index, int attempts);

// Stored times keep microseconds, and ±infinity.
absl::Time StoredTime(absl::Time time);

// 20 characters of [0-9a-v]: the batch's number, so that ids sort by creation, then the store's salt, so that
// an id of another store is not found rather than mistaken. number < 2^50, salt < 2^50.
std::string BatchIdOf(int64_t number, int64_t salt);
std::optional<int64_t> BatchNumberOf(absl::string_view batch_id, int64_t salt);

}  // namespace sluice
