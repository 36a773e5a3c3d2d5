// Endings that no worker reports: cancel, expiry, attempts that ran out; and leases taken back.
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "core/base/log.h"
#include "core/base/status_macros.h"
#include "core/store/batch_rules.h"
#include "core/store/sqlite/batch_tables.h"
#include "core/store/sqlite/rows.h"
#include "core/store/sqlite/schema.h"

namespace sluice {

absl::StatusOr<Batch> BatchTables::CancelBatch(const BatchKey& name) {
  SLUICE_ASSIGN_OR_RETURN(BatchRow row, Load(name));
  if (row.batch.state == BatchState::kUploading) return UploadStillOpen(name.id);
  if (row.open() && !row.ending) SLUICE_RETURN_IF_ERROR(EndBatch(row, OutcomeKind::kCancelled));
  return WithTexts(std::move(row));
}

absl::Status BatchTables::EndBatch(BatchRow& row, OutcomeKind ending) {
  row.ending = ending;
  SLUICE_ASSIGN_OR_RETURN(const bool suspects, AnySuspect());
  changes_.ready |= suspects;  // this batch's may hold others back no more
  // Of tasks, the batch's own and its jobs': their fences hold nothing from here on.
  SLUICE_RETURN_IF_ERROR(
      connection_.Run("DELETE FROM lease WHERE job BETWEEN ?1 AND ?2", row.plan_task(), LastKey(row.number)));
  NewOutcome outcome;
  outcome.kind = ending;
  SLUICE_RETURN_IF_ERROR(EndUnstarted(row, outcome, /*keep_ready=*/false));
  row.batch.state = BatchState::kCancelling;
  return Save(row);
}

absl::Status BatchTables::EndUnstarted(BatchRow& row, const NewOutcome& outcome, bool keep_ready) {
  // Ids come from the index: the rows' payloads are not read.
  SLUICE_RETURN_IF_ERROR(connection_.Run(
      "INSERT INTO outcome (seq, job, batch, job_id, kind, score, attempt, error_code, error_reason, "
      "error_message, result) "
      "SELECT ?1 + row_number() OVER (), job.job, job.batch, job.id, ?3, 0, coalesce(ready.attempts, 0), ?4, "
      "?5, ?6, x'' "
      "FROM job INDEXED BY job_id LEFT JOIN ready ON ready.job = job.job "
      "WHERE job.batch = ?2 AND NOT EXISTS (SELECT 1 FROM lease WHERE lease.job = job.job) "
      "AND NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.job = job.job) AND (?7 = 0 OR (ready.job IS NULL "
      "AND NOT EXISTS (SELECT 1 FROM fan_out WHERE fan_out.job = job.job)))",
      SequenceKey(row.number, row.batch.last_sequence), row.number, ToColumn(outcome.kind),
      ToColumn(outcome.error_code), outcome.error_reason, outcome.error_message, int64_t{keep_ready}));
  const int64_t ended = connection_.changes();
  CountOutcome(outcome.kind, ended, row.batch.counts);
  row.batch.last_sequence += ended;
  if (ended > 0) changes_.ended[{row.batch.kind, outcome.kind}] += ended;
  if (keep_ready) return absl::OkStatus();
  // Their tasks' rows and artifacts go when the batch is purged, a piece at a time.
  SLUICE_RETURN_IF_ERROR(connection_.Run("DELETE FROM fan_out WHERE job BETWEEN ?1 AND ?2",
                                         FirstKey(row.number), LastKey(row.number)));
  return connection_.Run("DELETE FROM ready WHERE job BETWEEN ?1 AND ?2", JobKey(row.number, 0),
                         LastKey(row.number));
}

absl::Status BatchTables::InsertReady(const BatchRow& row, const LeaseRow& lease) {
  changes_.ready = true;
  return connection_.Run(
      "INSERT INTO ready (job, stage, batch_priority, batch, priority, attempts, suspicion) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
      lease.job, ToColumn(lease.stage), row.batch.priority, row.number, lease.priority, lease.tries.attempts,
      lease.tries.suspicion);
}

absl::Status BatchTables::Requeue(absl::Span<const LeaseRow> leases, LeaseEnd end, SweepReply& reply) {
  absl::flat_hash_map<int64_t, BatchRow> rows;
  for (LeaseRow lease : leases) {
    SLUICE_RETURN_IF_ERROR(connection_.Run("DELETE FROM lease WHERE job = ?1", lease.job));
    if (connection_.changes() == 0) continue;  // named twice
    if (lease.tries.suspicion > 0) changes_.ready = true;
    const int64_t number = BatchOfKey(lease.job);
    if (!rows.contains(number)) {
      SLUICE_ASSIGN_OR_RETURN(BatchRow row, LoadNumber(number));
      rows.emplace(number, std::move(row));
    }
    BatchRow& row = rows.at(number);
    const StageScope scope = stages_.At(lease.stage).scope;
    lease.tries = TriesAfter(end, scope, lease.tries);
    SLUICE_RETURN_IF_ERROR(scope == StageScope::kBatch  ? RequeuePlanTask(row, lease, reply)
                           : scope == StageScope::kTask ? RequeueTask(row, lease, reply)
                                                        : RequeueJob(row, lease, reply));
  }
  for (auto& [number, row] : rows) {
    if (row.batch.last_sequence > row.loaded_sequence) SLUICE_RETURN_IF_ERROR(Save(row));
  }
  return absl::OkStatus();
}

absl::Status BatchTables::RequeuePlanTask(BatchRow& row, const LeaseRow& lease, SweepReply& reply) {
  if (!row.open()) {
    // Every job is done, so the plan is applied in full; only the task's last step was missing.
    return connection_.Run(
        "UPDATE batch SET plan_applied = 1 WHERE batch = ?1 AND "
        "EXISTS (SELECT 1 FROM batch_text WHERE batch = ?1 AND plan IS NOT NULL)",
        row.number);
  }
  const std::optional<NewOutcome> given_up = GivenUp(stages_.At(lease.stage), lease.tries, limits_);
  if (!given_up) {
    ++reply.requeued;
    return InsertReady(row, lease);
  }
  ++reply.exhausted;
  return EndUnstarted(row, *given_up, /*keep_ready=*/true);
}

absl::Status BatchTables::RequeueJob(BatchRow& row, const LeaseRow& lease, SweepReply& reply) {
  std::optional<NewOutcome> outcome;
  if (row.ending) {
    outcome.emplace().kind = *row.ending;
  } else {
    outcome = GivenUp(stages_.At(lease.stage), lease.tries, limits_);
    if (!outcome) {
      ++reply.requeued;
      return InsertReady(row, lease);
    }
    ++reply.exhausted;
  }
  ++changes_.ended[{row.batch.kind, outcome->kind}];
  SLUICE_ASSIGN_OR_RETURN(const std::string job_id, JobId(lease.job));
  return Record(row, lease.job, job_id, lease.tries.attempts, *outcome);
}

absl::Status BatchTables::RequeueTask(BatchRow& row, const LeaseRow& lease, SweepReply& reply) {
  const std::optional<NewOutcome> given_up = GivenUp(stages_.At(lease.stage), lease.tries, limits_);
  if (given_up) {
    ++reply.exhausted;
    return EndTask(row, lease, *given_up);
  }
  ++reply.requeued;
  return InsertReady(row, lease);
}

absl::Status BatchTables::RequeueAll(bool died) {
  SLUICE_ASSIGN_OR_RETURN(std::vector<LeaseRow> leases, LeasesWhere("fence > ?1", 0));
  const auto count = static_cast<int64_t>(leases.size());
  SweepReply reply;
  while (!leases.empty()) {
    for (const LeaseRow& lease : leases) {
      const LeaseEnd end = died ? EndByDeath(count, lease.outstayed) : LeaseEnd::kGivenBack;
      SLUICE_RETURN_IF_ERROR(Requeue({lease}, end, reply));
    }
    SLUICE_ASSIGN_OR_RETURN(leases, LeasesWhere("fence > ?1", 0));
  }
  if (died && reply.requeued + reply.exhausted > 0) {
    Log(LogLevel::kWarning, "the process before died with work in flight: ", reply.requeued,
        " will run again, each alone at first; ", reply.exhausted, " given up (their results say why)");
  }
  return connection_.Run("DELETE FROM session");
}

}  // namespace sluice
