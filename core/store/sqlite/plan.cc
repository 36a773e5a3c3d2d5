// The plan task's three steps.
#include <utility>

#include "core/base/status_macros.h"
#include "core/store/batch_rules.h"
#include "core/store/sqlite/batch_tables.h"
#include "core/store/sqlite/rows.h"
#include "core/store/sqlite/schema.h"

namespace sluice {

absl::StatusOr<BatchTables::BatchRow> BatchTables::LoadPlanTask(const LeaseKey& task) {
  const std::optional<int64_t> number = BatchNumberOf(task.batch_id, salt_);
  if (!number) return Fenced();
  {
    Query lease = connection_.Select("SELECT stage FROM lease WHERE job = ?1 AND fence = ?2",
                                     JobKey(*number, task.slot), task.fence);
    const bool held = lease.Step();
    SLUICE_RETURN_IF_ERROR(lease.status());
    if (!held) return Fenced();
    SLUICE_RETURN_IF_ERROR(CheckPlanTask(stages_.At(static_cast<Stage>(lease.Int(0)))));
  }
  return LoadNumber(*number);
}

absl::StatusOr<std::string> BatchTables::CommitPlan(const LeaseKey& task, const std::string& plan) {
  SLUICE_ASSIGN_OR_RETURN(BatchRow row, LoadPlanTask(task));
  const int64_t number = row.number;
  SLUICE_RETURN_IF_ERROR(connection_.Run("UPDATE batch_text SET plan = ?2 WHERE batch = ?1 AND plan IS NULL",
                                         number, Blob{plan}));
  if (connection_.changes() > 0) {
    changes_.batches.insert(number);
    SLUICE_RETURN_IF_ERROR(ForgetPlanDeaths(row));
  }
  SLUICE_ASSIGN_OR_RETURN(Batch batch, WithTexts(std::move(row)));
  return std::move(batch.plan);
}

absl::Status BatchTables::ForgetPlanDeaths(const BatchRow& row) {
  return connection_.Run("UPDATE lease SET suspicion = 1 WHERE job = ?1 AND suspicion > 1", row.plan_task());
}

absl::StatusOr<std::optional<std::string>> BatchTables::WaitingJob(int64_t job) {
  Query query = connection_.Select(
      "SELECT id FROM job WHERE job = ?1 AND NOT EXISTS (SELECT 1 FROM outcome WHERE job = ?1) "
      "AND NOT EXISTS (SELECT 1 FROM ready WHERE job = ?1) AND NOT EXISTS (SELECT 1 FROM lease WHERE job = "
      "?1) AND NOT EXISTS (SELECT 1 FROM fan_out WHERE job = ?1)",
      job);
  if (query.Step()) return query.String(0);
  SLUICE_RETURN_IF_ERROR(query.status());
  return std::nullopt;
}

absl::Status BatchTables::ApplyPlan(const LeaseKey& task, absl::Span<const NewOutcome> rejected,
                                    absl::Span<const PlannedJob> survivors) {
  SLUICE_ASSIGN_OR_RETURN(BatchRow row, LoadPlanTask(task));
  SLUICE_RETURN_IF_ERROR(CheckPlan(stages_, row.batch, rejected, survivors));
  const int64_t sequence_before = row.batch.last_sequence;
  bool readied = false;
  for (const NewOutcome& outcome : rejected) {
    const int64_t job = JobKey(row.number, outcome.job_index);
    SLUICE_ASSIGN_OR_RETURN(const std::optional<std::string> job_id, WaitingJob(job));
    if (job_id) SLUICE_RETURN_IF_ERROR(Record(row, job, *job_id, /*attempt=*/0, outcome));
  }
  for (const PlannedJob& survivor : survivors) {
    const int64_t job = JobKey(row.number, survivor.job_index);
    SLUICE_ASSIGN_OR_RETURN(const std::optional<std::string> job_id, WaitingJob(job));
    if (!job_id) continue;
    readied = true;
    SLUICE_RETURN_IF_ERROR(InsertReady(row, {job, survivor.stage, survivor.priority, {}}));
  }
  const bool recorded = row.batch.last_sequence > sequence_before;
  if (recorded || readied) SLUICE_RETURN_IF_ERROR(ForgetPlanDeaths(row));
  return recorded ? Save(row) : absl::OkStatus();
}

absl::StatusOr<int64_t> BatchTables::CountWaiting(const BatchRow& row) {
  Query placed = connection_.Select(
      "SELECT (SELECT count(*) FROM ready WHERE job BETWEEN ?1 AND ?2) + "
      "(SELECT count(*) FROM lease WHERE job BETWEEN ?1 AND ?2) + "
      "(SELECT count(*) FROM fan_out WHERE job BETWEEN ?1 AND ?2)",
      JobKey(row.number, 0), JobKey(row.number, row.batch.counts.jobs - 1));
  const int64_t count = placed.Step() ? placed.Int(0) : 0;
  SLUICE_RETURN_IF_ERROR(placed.status());
  return row.batch.counts.jobs - row.batch.counts.done() - count;
}

absl::Status BatchTables::FinishPlan(const LeaseKey& task) {
  SLUICE_ASSIGN_OR_RETURN(BatchRow row, LoadPlanTask(task));
  SLUICE_ASSIGN_OR_RETURN(const int64_t waiting, CountWaiting(row));
  if (waiting > 0) return JobsStillWait(waiting);
  SLUICE_ASSIGN_OR_RETURN(const bool suspects, AnySuspect());
  changes_.ready |= suspects;  // the task may have held others back
  SLUICE_RETURN_IF_ERROR(connection_.Run("DELETE FROM lease WHERE job = ?1", row.plan_task()));
  row.batch.plan_applied = true;
  return Save(row);
}

}  // namespace sluice
