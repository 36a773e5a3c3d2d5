// Fan-outs: a job's tasks, and what its stages hand on to each other.
#include <utility>

#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/store/batch_rules.h"
#include "core/store/sqlite/batch_tables.h"
#include "core/store/sqlite/rows.h"
#include "core/store/sqlite/schema.h"

namespace sluice {

absl::Status BatchTables::SaveArtifact(int64_t job, const std::string& artifact) {
  return connection_.Run("INSERT OR REPLACE INTO artifact (job, artifact) VALUES (?1, ?2)", job,
                         Blob{artifact});
}

absl::Status BatchTables::FanOutJob(BatchRow& row, const LeaseRow& lease, const FanOut& fan_out) {
  SLUICE_RETURN_IF_ERROR(SaveArtifact(lease.job, fan_out.artifact));
  SLUICE_RETURN_IF_ERROR(connection_.Run("DELETE FROM task WHERE job = ?1", lease.job));
  const auto tasks = static_cast<int64_t>(fan_out.tasks.size());
  int64_t key = row.plan_task() + 1 + row.tasks;
  for (int64_t number = 0; number < tasks; ++number, ++key) {
    SLUICE_RETURN_IF_ERROR(
        connection_.Run("INSERT INTO task (task, job, number, payload) VALUES (?1, ?2, ?3, ?4)", key,
                        lease.job, number, Blob{fan_out.tasks[static_cast<size_t>(number)]}));
    SLUICE_RETURN_IF_ERROR(InsertReady(row, {key, fan_out.stage, lease.priority, {}}));
  }
  row.tasks += tasks;
  SLUICE_RETURN_IF_ERROR(
      connection_.Run("UPDATE batch SET tasks = ?2 WHERE batch = ?1", row.number, row.tasks));
  return connection_.Run("INSERT INTO fan_out (job, next, priority, open) VALUES (?1, ?2, ?3, ?4)", lease.job,
                         ToColumn(fan_out.next), lease.priority, tasks);
}

absl::Status BatchTables::EndTask(const BatchRow& row, const LeaseRow& lease, const NewOutcome& outcome) {
  SLUICE_RETURN_IF_ERROR(connection_.Run(
      "UPDATE task SET end = ?2, attempt = ?3, error_code = ?4, error_reason = ?5, error_message = ?6, "
      "result = ?7 WHERE task = ?1",
      lease.job, ToColumn(outcome.kind), lease.tries.attempts, ToColumn(outcome.error_code),
      outcome.error_reason, outcome.error_message, Blob{outcome.result}));
  LeaseRow job;
  {
    Query joined = connection_.Select(
        "UPDATE fan_out SET open = open - 1 WHERE job = (SELECT job FROM task WHERE task = ?1) "
        "RETURNING job, next, priority, open",
        lease.job);
    const bool last = joined.Step() && joined.Int(3) == 0;
    if (last)
      job = {.job = joined.Int(0), .stage = static_cast<Stage>(joined.Int(1)), .priority = joined.Int(2)};
    SLUICE_RETURN_IF_ERROR(joined.Finish());
    if (!last) return absl::OkStatus();
  }
  SLUICE_RETURN_IF_ERROR(connection_.Run("DELETE FROM fan_out WHERE job = ?1", job.job));
  return InsertReady(row, job);
}

absl::StatusOr<std::vector<TaskEnd>> BatchTables::ReadTasks(const std::string& batch_id, int64_t job_index,
                                                            int first_task, int limit) {
  SLUICE_RETURN_IF_ERROR(CheckRange("limit", limit, 1, 256));
  SLUICE_ASSIGN_OR_RETURN(const BatchRow row, Load(batch_id));
  std::vector<TaskEnd> ends;
  if (job_index < 0 || job_index >= row.batch.counts.jobs) return ends;
  Query query = connection_.Select(
      "SELECT number, end, attempt, result, error_code, error_reason, error_message FROM task "
      "WHERE job = ?1 AND number >= ?2 AND end <> 0 ORDER BY number LIMIT ?3",
      JobKey(row.number, job_index), first_task, limit);
  int64_t bytes = 0;
  while (bytes < kMostBytesRead && query.Step()) {
    ends.push_back({.task = static_cast<int>(query.Int(0)),
                    .kind = static_cast<OutcomeKind>(query.Int(1)),
                    .attempt = static_cast<int>(query.Int(2)),
                    .result = query.String(3),
                    .error_code = static_cast<absl::StatusCode>(query.Int(4)),
                    .error_reason = query.String(5),
                    .error_message = query.String(6)});
    bytes += static_cast<int64_t>(ends.back().result.size());
  }
  SLUICE_RETURN_IF_ERROR(query.status());
  return ends;
}

}  // namespace sluice
