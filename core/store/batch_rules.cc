#include "core/store/batch_rules.h"

#include <algorithm>
#include <cmath>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

constexpr absl::string_view kDigits = "0123456789abcdefghijklmnopqrstuv";
constexpr int kHalfId = 10;
constexpr int kMaxClaims = 4096;
constexpr size_t kMaxJobIdBytes = 256;

void AppendBase32(int64_t value, std::string& out) {
  for (int shift = 5 * (kHalfId - 1); shift >= 0; shift -= 5) out.push_back(kDigits[(value >> shift) & 31]);
}

std::optional<int64_t> ParseBase32(absl::string_view text) {
  int64_t value = 0;
  for (const char c : text) {
    const size_t digit = kDigits.find(c);
    if (digit == absl::string_view::npos) return std::nullopt;
    value = value << 5 | static_cast<int64_t>(digit);
  }
  return value;
}

absl::Status CheckJobIndex(absl::string_view list, size_t position, int64_t index, int64_t jobs) {
  if (index >= 0 && index < jobs) return absl::OkStatus();
  return FieldError(absl::StrCat(list, "[", position, "].job_index"),
                    absl::StrCat("is ", index, ", the batch has jobs 0 to ", jobs - 1));
}

absl::Status CheckOutcome(absl::string_view list, size_t position, const NewOutcome& outcome) {
  if (!std::isfinite(outcome.score)) {
    return FieldError(absl::StrCat(list, "[", position, "].score"), "must be finite");
  }
  const bool failed = outcome.kind == OutcomeKind::kFailed;
  if (failed != (outcome.error_code == absl::StatusCode::kOk)) return absl::OkStatus();
  return FieldError(absl::StrCat(list, "[", position, "].error_code"),
                    failed ? "must say why the job FAILED" : "must be OK, for the job did not fail");
}

std::string StepField(size_t position, absl::string_view field) {
  return absl::StrCat("steps[", position, "].", field);
}

absl::Status CheckBytes(size_t position, absl::string_view field, absl::string_view bytes, int64_t limit) {
  if (static_cast<int64_t>(bytes.size()) <= limit) return absl::OkStatus();
  return FieldError(StepField(position, field),
                    absl::StrCat("has ", bytes.size(), " bytes, limit ", limit,
                                 ": large results belong into a store of their own"));
}

absl::Status CheckFanOut(size_t position, const FanOut& fan_out) {
  SLUICE_RETURN_IF_ERROR(CheckBytes(position, "artifact", fan_out.artifact, kMaxArtifactBytes));
  const auto tasks = static_cast<int64_t>(fan_out.tasks.size());
  if (tasks < 1 || tasks > kMaxTasks) {
    return FieldError(StepField(position, "tasks"),
                      absl::StrCat("must be 1 to ", kMaxTasks, ", are ", tasks));
  }
  for (size_t task = 0; task < fan_out.tasks.size(); ++task) {
    SLUICE_RETURN_IF_ERROR(
        CheckBytes(position, absl::StrCat("tasks[", task, "]"), fan_out.tasks[task], kMaxTaskBytes));
  }
  return absl::OkStatus();
}

absl::Status CheckStage(const StageTable& stages, JobKind kind, absl::string_view field, Stage stage,
                        StageScope scope) {
  const StageRow* const row = stages.Find(stage);
  if (row != nullptr && row->kind == kind && row->scope == scope) return absl::OkStatus();
  return FieldError(std::string(field),
                    absl::StrCat("stage ", static_cast<int>(stage), " is not one of ",
                                 scope == StageScope::kTask ? "tasks" : "jobs", " of this kind"));
}

}  // namespace

absl::Status CheckNewBatch(const NewBatch& batch, const StageTable& stages) {
  if (stages.Find(batch.kind) == nullptr) {
    const auto name = [](std::string* out, const KindRow& row) { out->append(row.name); };
    return FieldError("kind", absl::StrCat("must be ", absl::StrJoin(stages.kinds(), " or ", name)));
  }
  return CheckPositive("expires_after", batch.expires_after);
}

absl::Status CheckJobs(absl::Span<const NewJob> jobs, int64_t earlier) {
  if (static_cast<int64_t>(jobs.size()) > kMaxJobsInBatch - earlier) {
    return FieldError("jobs", absl::StrCat("a batch has at most ", kMaxJobsInBatch, " jobs"));
  }
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (jobs[i].id.empty() || jobs[i].id.size() > kMaxJobIdBytes) {
      return FieldError(absl::StrCat("jobs[", i, "].id"),
                        absl::StrCat("must have 1 to ", kMaxJobIdBytes, " bytes, has ", jobs[i].id.size()));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckSealable(int64_t jobs) {
  return jobs > 0 ? absl::OkStatus() : FieldError("jobs", "a batch needs at least one job");
}

absl::Status CheckSessionLease(absl::Duration lease) {
  return CheckPositive("lease", lease);
}

absl::Status CheckClaim(const ClaimRequest& request, const StageTable& stages) {
  if (request.stages.empty()) return FieldError("stages", "must name at least one stage");
  for (auto stage = request.stages.begin(); stage != request.stages.end(); ++stage) {
    if (stages.Find(*stage) == nullptr)
      return FieldError("stages", absl::StrCat("there is no stage ", static_cast<int>(*stage)));
    if (std::find(request.stages.begin(), stage, *stage) != stage)
      return FieldError("stages", absl::StrCat("names ", stages.At(*stage).name, " twice"));
  }
  return CheckRange("max_claims", request.max_claims, 1, kMaxClaims);
}

absl::Status CheckSteps(absl::Span<const LeasedStep> steps) {
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i].step;
    if (const auto* outcome = std::get_if<NewOutcome>(&step)) {
      SLUICE_RETURN_IF_ERROR(CheckOutcome("steps", i, *outcome));
    } else if (const auto* advance = std::get_if<Advance>(&step)) {
      SLUICE_RETURN_IF_ERROR(CheckBytes(i, "artifact", advance->artifact, kMaxArtifactBytes));
    } else {
      SLUICE_RETURN_IF_ERROR(CheckFanOut(i, std::get<FanOut>(step)));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckStepOf(const StageTable& stages, const StageRow& stage, size_t position, const Step& step) {
  if (stage.scope == StageScope::kBatch) {
    return FieldError(StepField(position, "lease"), "is of a batch's own task: end it by FinishPlan");
  }
  const auto* const outcome = std::get_if<NewOutcome>(&step);
  if (stage.scope == StageScope::kTask) {
    if (outcome != nullptr) return CheckBytes(position, "result", outcome->result, kMaxTaskBytes);
    return FieldError(StepField(position, "lease"), "is of a task: it ends with an outcome alone");
  }
  if (outcome != nullptr) return absl::OkStatus();
  const auto* const fan_out = std::get_if<FanOut>(&step);
  const Stage next = fan_out != nullptr ? fan_out->next : std::get<Advance>(step).next;
  SLUICE_RETURN_IF_ERROR(CheckStage(stages, stage.kind, StepField(position, "next"), next, StageScope::kJob));
  // A job that could go back would be tried anew for ever. One that fans out may come back to its own stage:
  // the batch's room for tasks ends that.
  const int gained = stages.OrderOf(next) - stages.OrderOf(stage.id);
  if (gained < 0 || (gained == 0 && fan_out == nullptr)) {
    return FieldError(StepField(position, "next"),
                      absl::StrCat("stage ", stages.At(next).name, " is not past ", stage.name));
  }
  if (fan_out == nullptr) return absl::OkStatus();
  return CheckStage(stages, stage.kind, StepField(position, "stage"), fan_out->stage, StageScope::kTask);
}

absl::Status CheckRoomForTasks(size_t position, int64_t jobs, int64_t tasks, int64_t more) {
  const int64_t room = kMaxSlotsInBatch - 1 - jobs - tasks;
  if (more <= room) return absl::OkStatus();
  return FieldError(StepField(position, "tasks"),
                    absl::StrCat("has ", more, ", the batch has room for ", room,
                                 " more: submit its jobs in smaller batches"));
}

absl::Status CheckPlanTask(const StageRow& stage) {
  return stage.scope == StageScope::kBatch ? absl::OkStatus()
                                           : FieldError("task", "is not a batch's own task");
}

absl::Status CheckPlan(const StageTable& stages, const Batch& batch, absl::Span<const NewOutcome> rejected,
                       absl::Span<const PlannedJob> survivors) {
  for (size_t i = 0; i < rejected.size(); ++i) {
    SLUICE_RETURN_IF_ERROR(CheckJobIndex("rejected", i, rejected[i].job_index, batch.counts.jobs));
    SLUICE_RETURN_IF_ERROR(CheckOutcome("rejected", i, rejected[i]));
  }
  for (size_t i = 0; i < survivors.size(); ++i) {
    SLUICE_RETURN_IF_ERROR(CheckJobIndex("survivors", i, survivors[i].job_index, batch.counts.jobs));
    SLUICE_RETURN_IF_ERROR(CheckStage(stages, batch.kind, absl::StrCat("survivors[", i, "].stage"),
                                      survivors[i].stage, StageScope::kJob));
  }
  return absl::OkStatus();
}

absl::Status DuplicateJobId(int64_t position, absl::string_view id) {
  return FieldError(absl::StrCat("jobs[", position, "].id"),
                    absl::StrCat("\"", id, "\" is in the batch already"));
}

absl::Status NoSuchBatch(absl::string_view batch_id) {
  return WithReason(absl::NotFoundError(absl::StrCat("there is no batch \"", batch_id, "\"")),
                    "BATCH_NOT_FOUND");
}

absl::Status NoSuchUpload(absl::string_view batch_id) {
  return WithReason(absl::NotFoundError(absl::StrCat("there is no open upload \"", batch_id, "\"")),
                    "UPLOAD_NOT_FOUND");
}

absl::Status UploadStillOpen(absl::string_view batch_id) {
  return WithReason(
      absl::FailedPreconditionError(absl::StrCat("batch \"", batch_id, "\" is still being uploaded")),
      "UPLOAD_STILL_OPEN");
}

absl::Status NotFinished(absl::string_view batch_id) {
  return WithReason(absl::FailedPreconditionError(absl::StrCat("batch \"", batch_id, "\" has not finished")),
                    "BATCH_NOT_FINISHED");
}

absl::Status RequestIdReused() {
  return WithReason(FieldError("request_id", "was used before for a request with other content"),
                    "REQUEST_ID_REUSED");
}

absl::Status SequenceOutOfRange(int64_t after_sequence, int64_t last_sequence) {
  return WithReason(absl::OutOfRangeError(
                        absl::StrCat("sequence ", after_sequence, " is past the last one, ", last_sequence)),
                    "SEQUENCE_OUT_OF_RANGE");
}

absl::Status SessionDead(SessionId session) {
  return WithReason(
      absl::FailedPreconditionError(absl::StrCat("session ", session, " has ended: open another one")),
      "SESSION_DEAD");
}

absl::Status Fenced() {
  return WithReason(absl::AbortedError("the lease on the plan task is another's or gone: drop the work"),
                    "FENCED");
}

absl::Status JobsStillWait(int64_t waiting) {
  return absl::FailedPreconditionError(absl::StrCat(waiting, " jobs still wait for the plan"));
}

absl::Status StoreBusy(int waiting_calls) {
  return WithReason(
      absl::ResourceExhaustedError(absl::StrCat("the store is busy: ", waiting_calls, " calls wait already")),
      "STORE_BUSY");
}

absl::Status StoreClosed() {
  return WithReason(absl::UnavailableError("the store is closed"), "STORE_FAILED");
}

absl::Status DiskFull() {
  return WithReason(absl::UnavailableError("the disk is full: free space in the data directory"),
                    "DISK_FULL");
}

bool IsDiskFull(const absl::Status& status) {
  return ReasonOf(status) == "DISK_FULL";
}

void CountOutcome(OutcomeKind kind, int64_t jobs, BatchCounts& counts) {
  switch (kind) {
    case OutcomeKind::kSucceeded:
      counts.succeeded += jobs;
      break;
    case OutcomeKind::kFailed:
      counts.failed += jobs;
      break;
    case OutcomeKind::kCancelled:
      counts.cancelled += jobs;
      break;
    case OutcomeKind::kExpired:
      counts.expired += jobs;
      break;
  }
}

BatchState EndState(const BatchCounts& counts) {
  if (counts.cancelled > 0) return BatchState::kCancelled;
  if (counts.expired > 0) return BatchState::kExpired;
  if (counts.failed == 0) return BatchState::kSucceeded;
  return counts.succeeded > 0 ? BatchState::kCompletedWithErrors : BatchState::kFailed;
}

LeaseEnd EndByDeath(int64_t leases, bool outstayed) {
  return leases == 1 || outstayed ? LeaseEnd::kDiedAlone : LeaseEnd::kDiedInCompany;
}

Tries TriesAfter(LeaseEnd end, StageScope scope, Tries tries) {
  switch (end) {
    case LeaseEnd::kGivenBack:
      --tries.attempts;
      break;
    case LeaseEnd::kLost:
      break;
    case LeaseEnd::kDiedInCompany:
      --tries.attempts;
      tries.suspicion = std::max(tries.suspicion, 1);
      break;
    case LeaseEnd::kDiedAlone:
      if (scope == StageScope::kBatch) --tries.attempts;
      tries.suspicion = std::max(tries.suspicion, 1) + 1;
      break;
  }
  return tries;
}

std::optional<NewOutcome> GivenUp(const StageRow& stage, const Tries& tries, const TryLimits& limits) {
  const bool plan = stage.scope == StageScope::kBatch;
  const int deaths = tries.suspicion - 1;
  const char* const subject = plan                               ? "the batch's plan"
                              : stage.scope == StageScope::kTask ? "the task"
                                                                 : "the job";
  NewOutcome outcome{.kind = OutcomeKind::kFailed};
  if (deaths >= (plan ? limits.plan_deaths_alone : limits.deaths_alone)) {
    outcome.error_code = absl::StatusCode::kInternal;
    outcome.error_reason = "QUARANTINED";
    outcome.error_message =
        absl::StrCat("the server died ", deaths, " times while ", subject,
                     " ran alone, at first at least: it is not tried again; submit it again to retry");
    return outcome;
  }
  if (tries.attempts < stage.attempts) return std::nullopt;
  outcome.error_code = absl::StatusCode::kAborted;
  outcome.error_reason = "ATTEMPTS_EXHAUSTED";
  outcome.error_message = absl::StrCat(subject, " was attempted ", tries.attempts,
                                       " times; every attempt ended without a result");
  return outcome;
}

bool RankedPageBytes::Takes(const Outcome& outcome) {
  constexpr size_t kMostBytes = 3 << 20;
  constexpr size_t kBesides = 256;  // of an outcome: its numbers, and the frames of what it holds
  const bool first = bytes_ == 0;
  bytes_ += static_cast<int64_t>(outcome.result.size() + outcome.job_id.size() + outcome.error_reason.size() +
                                 outcome.error_message.size() + kBesides);
  return first || bytes_ <= static_cast<int64_t>(kMostBytes);
}

absl::Time StoredTime(absl::Time time) {
  if (time == absl::InfiniteFuture() || time == absl::InfinitePast()) return time;
  return absl::FromUnixMicros(absl::ToUnixMicros(time));
}

std::string BatchIdOf(int64_t number, int64_t salt) {
  std::string id;
  id.reserve(2 * kHalfId);
  AppendBase32(number, id);
  AppendBase32(salt, id);
  return id;
}

std::optional<int64_t> BatchNumberOf(absl::string_view batch_id, int64_t salt) {
  if (batch_id.size() != 2 * kHalfId) return std::nullopt;
  if (ParseBase32(batch_id.substr(kHalfId)) != salt) return std::nullopt;
  return ParseBase32(batch_id.substr(0, kHalfId));
}

}  // namespace sluice
