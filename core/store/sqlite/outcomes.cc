// Steps: how leases end by their own work, under their fence. An outcome is recorded once, with its sequence
// number and the batch's counters.
#include <utility>
#include <variant>

#include "absl/container/flat_hash_map.h"
#include "core/base/status_macros.h"
#include "core/store/batch_rules.h"
#include "core/store/sqlite/batch_tables.h"
#include "core/store/sqlite/rows.h"
#include "core/store/sqlite/schema.h"

namespace sluice {

absl::StatusOr<std::string> BatchTables::JobId(int64_t job) {
  Query query = connection_.Select("SELECT id FROM job WHERE job = ?1", job);
  if (query.Step()) return query.String(0);
  SLUICE_RETURN_IF_ERROR(query.status());
  return absl::DataLossError("a leased job has no row");
}

absl::Status BatchTables::Record(BatchRow& row, int64_t job, absl::string_view job_id, int attempt,
                                 const NewOutcome& outcome) {
  CountOutcome(outcome.kind, 1, row.batch.counts);
  return connection_.Run(
      "INSERT INTO outcome (seq, job, batch, job_id, kind, score, attempt, error_code, error_reason, "
      "error_message, result) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
      SequenceKey(row.number, ++row.batch.last_sequence), job, row.number, job_id, ToColumn(outcome.kind),
      outcome.score, attempt, ToColumn(outcome.error_code), outcome.error_reason, outcome.error_message,
      Blob{outcome.result});
}

absl::StatusOr<std::optional<BatchTables::LeaseRow>> BatchTables::TakeLease(const LeasedStep& leased) {
  const std::optional<int64_t> number = BatchNumberOf(leased.lease.batch_id, salt_);
  if (!number) return std::nullopt;
  std::optional<LeaseRow> lease;
  Query taken = connection_.Select(
      "DELETE FROM lease WHERE job = ?1 AND fence = ?2 "
      "RETURNING job, stage, priority, attempt, suspicion, outstayed",
      JobKey(*number, leased.lease.slot), leased.lease.fence);
  if (taken.Step()) lease = LeaseOf(taken);
  SLUICE_RETURN_IF_ERROR(taken.Finish());
  // The next suspect, or all that they held back.
  if (lease && lease->tries.suspicion > 0) changes_.ready = true;
  return lease;
}

absl::Status BatchTables::TakeStep(BatchRow& row, const LeaseRow& lease, const Step& step) {
  const auto* outcome = std::get_if<NewOutcome>(&step);
  if (stages_.At(lease.stage).scope == StageScope::kTask) return EndTask(row, lease, *outcome);
  NewOutcome ended;
  if (outcome == nullptr && row.ending) {
    ended.kind = *row.ending;
    outcome = &ended;
    ++changes_.ended[{row.batch.kind, ended.kind}];
  }
  if (outcome != nullptr) {
    SLUICE_ASSIGN_OR_RETURN(const std::string job_id, JobId(lease.job));
    return Record(row, lease.job, job_id, lease.tries.attempts, *outcome);
  }
  if (const auto* fan_out = std::get_if<FanOut>(&step)) return FanOutJob(row, lease, *fan_out);
  const auto& advance = std::get<Advance>(step);
  SLUICE_RETURN_IF_ERROR(SaveArtifact(lease.job, advance.artifact));
  return InsertReady(row, {lease.job, advance.next, lease.priority, {}});
}

absl::StatusOr<std::vector<CommitResult>> BatchTables::CommitSteps(absl::Span<const LeasedStep> steps) {
  SLUICE_RETURN_IF_ERROR(CheckSteps(steps));
  std::vector<CommitResult> results;
  results.reserve(steps.size());
  absl::flat_hash_map<int64_t, BatchRow> rows;
  for (size_t i = 0; i < steps.size(); ++i) {
    const LeasedStep& leased = steps[i];
    SLUICE_ASSIGN_OR_RETURN(const std::optional<LeaseRow> lease, TakeLease(leased));
    results.push_back(lease ? CommitResult::kCommitted : CommitResult::kFenced);
    if (!lease) continue;
    SLUICE_RETURN_IF_ERROR(CheckStepOf(stages_, stages_.At(lease->stage), i, leased.step));
    const int64_t number = BatchOfKey(lease->job);
    if (!rows.contains(number)) {
      SLUICE_ASSIGN_OR_RETURN(BatchRow row, LoadNumber(number));
      rows.emplace(number, std::move(row));
    }
    BatchRow& row = rows.at(number);
    if (const auto* fan_out = std::get_if<FanOut>(&leased.step)) {
      SLUICE_RETURN_IF_ERROR(CheckRoomForTasks(i, row.batch.counts.jobs, row.tasks,
                                               static_cast<int64_t>(fan_out->tasks.size())));
    }
    SLUICE_RETURN_IF_ERROR(TakeStep(row, *lease, leased.step));
  }
  for (auto& [number, row] : rows) {
    if (row.batch.last_sequence > row.loaded_sequence) SLUICE_RETURN_IF_ERROR(Save(row));
  }
  return results;
}

}  // namespace sluice
