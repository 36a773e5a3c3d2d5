// Batch rules: the decisions every engine of BatchStore takes alike, as pure functions: what a valid call is,
// which state the counts lead to, how a batch is named, and the refusals' exact codes and reasons.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/store/batch.h"

namespace sluice {

// By one ReadJobs, ReadOutcomes or ReadTasks, but for the last payload or result.
inline constexpr int64_t kMostBytesRead = 1 << 20;
inline constexpr int64_t kMaxSlotsInBatch = (int64_t{1} << 24) - 1;  // what an engine can number
inline constexpr int64_t kMaxJobsInBatch = kMaxSlotsInBatch - 1;     // one is the batch's own task's
inline constexpr int64_t kMaxArtifactBytes = 64 << 10;
inline constexpr int64_t kMaxTasks = 4096;      // of one FanOut
inline constexpr int64_t kMaxTaskBytes = 4096;  // of a task's payload, and of its result

// --- checks: INVALID_ARGUMENT with the field, else OK

absl::Status CheckNewBatch(const NewBatch& batch, const StageTable& stages);
// Ids of 1..256 bytes; `earlier` jobs are in the batch already. Duplicates are the engine's to find.
absl::Status CheckJobs(absl::Span<const NewJob> jobs, int64_t earlier);
absl::Status CheckSealable(int64_t jobs);
absl::Status CheckSessionLease(absl::Duration lease);
absl::Status CheckClaim(const ClaimRequest& request, const StageTable& stages);
// What can be said of steps without looking at their leases.
absl::Status CheckSteps(absl::Span<const LeasedStep> steps);
// Whether the step `position` may end a lease in `stage`.
absl::Status CheckStepOf(const StageTable& stages, const StageRow& stage, size_t position, const Step& step);
// Whether so many more tasks fit a batch with so many jobs and tasks.
absl::Status CheckRoomForTasks(size_t position, int64_t jobs, int64_t tasks, int64_t more);
absl::Status CheckPlanTask(const StageRow& stage);
absl::Status CheckPlan(const StageTable& stages, const Batch& batch, absl::Span<const NewOutcome> rejected,
                       absl::Span<const PlannedJob> survivors);

// --- refusals

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
absl::Status DiskFull();
bool IsDiskFull(const absl::Status& status);

// --- decisions

void CountOutcome(OutcomeKind kind, int64_t jobs, BatchCounts& counts);

// Of a batch whose every job is done. A batch that was cancelled too late to stop anything ends by its
// outcomes.
BatchState EndState(const BatchCounts& counts);

// How a lease ended without an outcome. A process that dies takes every lease along: with one, the job died
// alone; with several, nobody can tell which was to blame, unless one was a suspect that had outstayed its
// time alone: it is in flight at one death too many.
enum class LeaseEnd { kGivenBack, kLost, kDiedInCompany, kDiedAlone };

// Of one of the `leases` that a process had when it died.
LeaseEnd EndByDeath(int64_t leases, bool outstayed);

// What a job or a task has behind it in its stage.
struct Tries {
  int attempts = 0;
  int suspicion = 0;  // 0: none; 1: suspect, claimed alone first; n + 1: it died alone n times
  bool operator==(const Tries&) const = default;
};

struct TryLimits {
  // Nothing tells a death by the job from a kill from outside: the out-of-memory killer's may be either, and
  // how long the lease had lasted is not known. So an innocent job that is killed twice in its own moments
  // alone is given up as well; a third try would make that rarer by as much again and cost every real case a
  // death more.
  int deaths_alone = 2;
  // In a row without a step of the plan committed. More, since a plan task goes through a whole batch and
  // longer runs meet more deaths that are not their doing.
  int plan_deaths_alone = 5;
  absl::Duration alone_for = absl::Seconds(30);  // then a lease keeps nobody waiting
};

// `tries` counts the lease that ended. A death in company costs no attempt: it leaves a suspicion. Nor does
// one under a plan task, which has a bound of its own.
Tries TriesAfter(LeaseEnd end, StageScope scope, Tries tries);

// What a job or a task gets that is not tried again, or all jobs waiting for a plan task that is not: FAILED
// with QUARANTINED or ATTEMPTS_EXHAUSTED. Nothing while it may be tried again.
std::optional<NewOutcome> GivenUp(const StageRow& stage, const Tries& tries, const TryLimits& limits);

// A page of ranked outcomes ends by their bytes, too: gRPC's clients take answers of 4 MiB unless told
// otherwise.
class RankedPageBytes {
 public:
  // Whether `outcome` still belongs to the page; the first one always does.
  bool Takes(const Outcome& outcome);

 private:
  int64_t bytes_ = 0;
};

// Stored times keep microseconds, and ±infinity.
absl::Time StoredTime(absl::Time time);

// 20 characters of [0-9a-v]: the batch's number, so that ids sort by creation, then the store's salt, so that
// an id of another store is not found rather than mistaken. number < 2^50, salt < 2^50.
std::string BatchIdOf(int64_t number, int64_t salt);
std::optional<int64_t> BatchNumberOf(absl::string_view batch_id, int64_t salt);

}  // namespace sluice
