// Endings that no worker reports: cancel, expiry, attempts that ran out; and leases taken back.
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "core/base/status_macros.h"
#include "core/store/batch_rules.h"
#include "core/store/sqlite/batch_tables.h"
#include "core/store/sqlite/rows.h"
#include "core/store/sqlite/schema.h"

namespace sluice {

absl::StatusOr<Batch> BatchTables::CancelBatch(const std::string& tenant, const std::string& batch_id) {
  SLUICE_ASSIGN_OR_RETURN(BatchRow row, LoadOf(tenant, batch_id));
  if (row.batch.state == BatchState::kUploading) return UploadStillOpen(batch_id);
  if (row.open() && !row.ending) SLUICE_RETURN_IF_ERROR(EndBatch(row, OutcomeKind::kCancelled));
  return WithTexts(std::move(row));
}

absl::Status BatchTables::EndBatch(BatchRow& row, OutcomeKind ending) {
  row.ending = ending;
  const int64_t plan_task = JobKey(row.number, kPlanTask);
  SLUICE_RETURN_IF_ERROR(connection_.Run("DELETE FROM lease WHERE job = ?1", plan_task));
  SLUICE_RETURN_IF_ERROR(connection_.Run("DELETE FROM ready WHERE job = ?1", plan_task));
  NewOutcome outcome;
  outcome.kind = ending;
  SLUICE_RETURN_IF_ERROR(EndUnstarted(row, outcome, /*keep_ready=*/false));
  row.batch.state = BatchState::kCancelling;
  return Save(row);
}

absl::Status BatchTables::EndUnstarted(BatchRow& row, const NewOutcome& outcome, bool keep_ready) {
  // Ids come from the index: the rows' payloads are not read.
  SLUICE_RETURN_IF_ERROR(connection_.Run(
      "INSERT INTO outcome (seq, job, batch, job_id, kind, score, attempt, error_reason, error_message, "
      "result) "
      "SELECT ?1 + row_number() OVER (), job.job, job.batch, job.id, ?3, 0, coalesce(ready.attempts, 0), ?4, "
      "?5, x'' "
      "FROM job INDEXED BY job_id LEFT JOIN ready ON ready.job = job.job "
      "WHERE job.batch = ?2 AND NOT EXISTS (SELECT 1 FROM lease WHERE lease.job = job.job) "
      "AND NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.job = job.job) AND (?6 = 0 OR ready.job IS NULL)",
      SequenceKey(row.number, row.batch.last_sequence), row.number, ToColumn(outcome.kind),
      outcome.error_reason, outcome.error_message, int64_t{keep_ready}));
  const int64_t ended = connection_.changes();
  CountOutcome(outcome.kind, ended, row.batch.counts);
  row.batch.last_sequence += ended;
  if (keep_ready) return absl::OkStatus();
  return connection_.Run("DELETE FROM ready WHERE job BETWEEN ?1 AND ?2", JobKey(row.number, 0),
                         LastKey(row.number));
}

absl::Status BatchTables::InsertReady(const BatchRow& row, const LeaseRow& lease, int attempts) {
  changes_.ready = true;
  return connection_.Run(
      "INSERT INTO ready (job, stage, batch_priority, batch, priority, attempts) VALUES (?1, ?2, ?3, ?4, ?5, "
      "?6)",
      lease.job, ToColumn(lease.stage), row.batch.priority, row.number, lease.priority, attempts);
}

absl::Status BatchTables::Requeue(absl::Span<const LeaseRow> leases, LeaseEnd end, SweepReply& reply) {
  absl::flat_hash_map<int64_t, BatchRow> rows;
  absl::flat_hash_map<int64_t, int64_t> sequence_before;
  for (const LeaseRow& lease : leases) {
    SLUICE_RETURN_IF_ERROR(connection_.Run("DELETE FROM lease WHERE job = ?1", lease.job));
    if (connection_.changes() == 0) continue;  // named twice
    const int64_t number = BatchOfKey(lease.job);
    if (!rows.contains(number)) {
      SLUICE_ASSIGN_OR_RETURN(BatchRow row, LoadNumber(number));
      sequence_before[number] = row.batch.last_sequence;
      rows.emplace(number, std::move(row));
    }
    BatchRow& row = rows.at(number);
    const int attempts = end == LeaseEnd::kGivenBack ? lease.attempt - 1 : lease.attempt;
    const int limit = end == LeaseEnd::kCrashed ? limits_.when_crashed : limits_.when_lost;
    const bool exhausted = end != LeaseEnd::kGivenBack && attempts >= limit;
    SLUICE_RETURN_IF_ERROR(lease.stage == Stage::kPlan
                               ? RequeuePlanTask(row, lease, attempts, exhausted, reply)
                               : RequeueJob(row, lease, attempts, exhausted, reply));
  }
  for (auto& [number, row] : rows) {
    if (row.batch.last_sequence > sequence_before[number]) SLUICE_RETURN_IF_ERROR(Save(row));
  }
  return absl::OkStatus();
}

absl::Status BatchTables::RequeuePlanTask(BatchRow& row, const LeaseRow& lease, int attempts, bool exhausted,
                                          SweepReply& reply) {
  if (!row.open()) {
    // Every job is done, so the plan is applied in full; only the task's last step was missing.
    return connection_.Run(
        "UPDATE batch SET plan_applied = 1 WHERE batch = ?1 AND "
        "EXISTS (SELECT 1 FROM batch_text WHERE batch = ?1 AND plan IS NOT NULL)",
        row.number);
  }
  if (!exhausted) {
    ++reply.requeued;
    return InsertReady(row, lease, attempts);
  }
  ++reply.exhausted;
  return EndUnstarted(row, PlanAttemptsExhausted(kPlanTask, attempts), /*keep_ready=*/true);
}

absl::Status BatchTables::RequeueJob(BatchRow& row, const LeaseRow& lease, int attempts, bool exhausted,
                                     SweepReply& reply) {
  if (!row.ending && !exhausted) {
    ++reply.requeued;
    return InsertReady(row, lease, attempts);
  }
  NewOutcome outcome;
  if (row.ending) {
    outcome.kind = *row.ending;
  } else {
    ++reply.exhausted;
    outcome = AttemptsExhausted(JobIndex(lease.job), attempts);
  }
  SLUICE_ASSIGN_OR_RETURN(const std::string job_id, JobId(lease.job));
  return Record(row, lease.job, job_id, attempts, outcome);
}

absl::Status BatchTables::RequeueAll() {
  for (;;) {
    SLUICE_ASSIGN_OR_RETURN(const std::vector<LeaseRow> leases, LeasesWhere("fence > ?1", 0));
    if (leases.empty()) break;
    SweepReply reply;
    SLUICE_RETURN_IF_ERROR(Requeue(leases, LeaseEnd::kCrashed, reply));
  }
  return connection_.Run("DELETE FROM session");
}

}  // namespace sluice
