// Upkeep: dead sessions, expiry, retention, and the removal of what is gone, in bounded steps.
#include "core/base/status_macros.h"
#include "core/store/sqlite/batch_tables.h"
#include "core/store/sqlite/rows.h"
#include "core/store/sqlite/schema.h"

namespace sluice {
namespace {

constexpr int kExpiredBatchesAStep = 4;  // each may be long
constexpr int kPurgedBatchesAStep = 16;
constexpr int kPurgedRowsAStep = 1000;
// What is deleted goes through the log, overwritten: on a full disk that has to fit the reserve.
constexpr int64_t kPurgedBytesAStep = 4 << 20;

}  // namespace

absl::StatusOr<SweepReply> BatchTables::Sweep(absl::Duration retention, absl::Duration upload_age) {
  SweepReply reply;
  SLUICE_RETURN_IF_ERROR(SweepSessions(reply));
  SLUICE_RETURN_IF_ERROR(SweepExpired(reply));
  SLUICE_RETURN_IF_ERROR(SweepOld(retention, upload_age, reply));
  return reply;
}

absl::Status BatchTables::SweepSessions(SweepReply& reply) {
  const int64_t now = ToColumn(clock_.MonotonicNow());
  SLUICE_ASSIGN_OR_RETURN(
      const std::vector<LeaseRow> leases,
      LeasesWhere("(run_until <= ?1 OR session IN (SELECT session FROM session WHERE lease_until <= ?1))",
                  now));
  SLUICE_RETURN_IF_ERROR(Requeue(leases, LeaseEnd::kLost, reply));
  SLUICE_RETURN_IF_ERROR(connection_.Run(
      "DELETE FROM session WHERE lease_until <= ?1 AND session NOT IN (SELECT session FROM lease)", now));
  reply.dead_sessions = static_cast<int>(connection_.changes());
  return absl::OkStatus();
}

absl::Status BatchTables::SweepExpired(SweepReply& reply) {
  std::vector<int64_t> due;
  {
    Query query = connection_.Select("SELECT batch FROM batch WHERE " SLUICE_OPEN
                                     " AND ending = 0 AND expire_time <= ?1 "
                                     "ORDER BY expire_time LIMIT ?2",
                                     ToColumn(clock_.WallNow()), kExpiredBatchesAStep);
    while (query.Step()) due.push_back(query.Int(0));
    SLUICE_RETURN_IF_ERROR(query.status());
  }
  for (const int64_t number : due) {
    SLUICE_ASSIGN_OR_RETURN(BatchRow row, LoadNumber(number));
    SLUICE_RETURN_IF_ERROR(EndBatch(row, OutcomeKind::kExpired));
    ++reply.expired_batches;
  }
  return absl::OkStatus();
}

absl::Status BatchTables::SweepOld(absl::Duration retention, absl::Duration upload_age, SweepReply& reply) {
  const absl::Time now = clock_.WallNow();
  std::vector<int64_t> due;
  {
    Query query =
        connection_.Select("SELECT batch FROM batch WHERE " SLUICE_ENDED " AND state <> " SLUICE_PURGING
                           " AND end_time <= ?1 ORDER BY end_time LIMIT ?2",
                           ToColumn(now - retention), kPurgedBatchesAStep);
    while (query.Step()) due.push_back(query.Int(0));
    SLUICE_RETURN_IF_ERROR(query.status());
  }
  reply.purged_batches = static_cast<int64_t>(due.size());
  {
    Query query = connection_.Select("SELECT batch FROM batch WHERE " SLUICE_NOT_ENDED
                                     " AND state = " SLUICE_UPLOADING " AND create_time <= ?1 LIMIT ?2",
                                     ToColumn(now - upload_age), kPurgedBatchesAStep);
    while (query.Step()) due.push_back(query.Int(0));
    SLUICE_RETURN_IF_ERROR(query.status());
  }
  reply.abandoned_uploads = static_cast<int64_t>(due.size()) - reply.purged_batches;
  for (const int64_t number : due) {
    SLUICE_ASSIGN_OR_RETURN(const BatchRow row, LoadNumber(number));
    SLUICE_RETURN_IF_ERROR(MarkPurging(row));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int64_t>> BatchTables::PurgingBatches() {
  Query query = connection_.Select("SELECT batch FROM batch WHERE state = " SLUICE_PURGING);
  std::vector<int64_t> batches;
  while (query.Step()) batches.push_back(query.Int(0));
  SLUICE_RETURN_IF_ERROR(query.status());
  return batches;
}

absl::StatusOr<bool> BatchTables::PurgeRows(absl::string_view select, absl::string_view remove,
                                            int64_t batch) {
  int64_t last = 0;
  {
    int64_t bytes = 0;
    Query rows = connection_.Select(select, FirstKey(batch), LastKey(batch), kPurgedRowsAStep);
    while (bytes < kPurgedBytesAStep && rows.Step()) {
      last = rows.Int(0);
      bytes += rows.Int(1);
    }
    SLUICE_RETURN_IF_ERROR(rows.status());
  }
  if (last == 0) return false;
  SLUICE_RETURN_IF_ERROR(connection_.Run(remove, FirstKey(batch), last));
  return true;
}

absl::StatusOr<bool> BatchTables::PurgeStep(int64_t batch) {
  SLUICE_ASSIGN_OR_RETURN(
      const bool outcomes,
      PurgeRows("SELECT seq, length(result) FROM outcome WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq LIMIT ?3",
                "DELETE FROM outcome WHERE seq BETWEEN ?1 AND ?2", batch));
  if (outcomes) return false;
  SLUICE_ASSIGN_OR_RETURN(
      const bool jobs,
      PurgeRows("SELECT job, length(payload) FROM job WHERE job BETWEEN ?1 AND ?2 ORDER BY job LIMIT ?3",
                "DELETE FROM job WHERE job BETWEEN ?1 AND ?2", batch));
  if (jobs) return false;
  SLUICE_ASSIGN_OR_RETURN(
      const bool tasks,
      PurgeRows("SELECT task, length(payload) + length(result) FROM task WHERE task BETWEEN ?1 AND ?2 "
                "ORDER BY task LIMIT ?3",
                "DELETE FROM task WHERE task BETWEEN ?1 AND ?2", batch));
  if (tasks) return false;
  SLUICE_ASSIGN_OR_RETURN(
      const bool artifacts,
      PurgeRows(
          "SELECT job, length(artifact) FROM artifact WHERE job BETWEEN ?1 AND ?2 ORDER BY job LIMIT ?3",
          "DELETE FROM artifact WHERE job BETWEEN ?1 AND ?2", batch));
  if (artifacts) return false;
  SLUICE_RETURN_IF_ERROR(connection_.Run("DELETE FROM batch_text WHERE batch = ?1", batch));
  SLUICE_RETURN_IF_ERROR(connection_.Run("DELETE FROM batch WHERE batch = ?1", batch));
  return true;
}

absl::StatusOr<StoreStats> BatchTables::Stats() {
  StoreStats stats;
  {
    Query open = connection_.Select(
        "SELECT kind, tenant, count(*), sum(jobs - last_seq), sum((jobs - last_seq) * plan_applied) "
        "FROM batch WHERE " SLUICE_OPEN " GROUP BY kind, tenant");
    while (open.Step()) {
      KindStats& kind = stats.kinds[static_cast<JobKind>(open.Int(0))];
      stats.open_batches += open.Int(2);
      kind.ready_jobs += open.Int(3);
      stats.tenant_jobs[open.String(1)] += open.Int(3);
      kind.planned_jobs += open.Int(4);
    }
    SLUICE_RETURN_IF_ERROR(open.status());
  }
  {
    // Jobs alone: tasks stand in the slots beyond them.
    Query leased = connection_.Select(
        "SELECT batch.kind, count(*), sum(plan_applied) FROM lease JOIN batch ON batch.batch = lease.job >> "
        "?1 "
        "WHERE (lease.job & ?2) <= batch.jobs GROUP BY batch.kind",
        kJobBits, kSlotMask);
    while (leased.Step()) {
      KindStats& kind = stats.kinds[static_cast<JobKind>(leased.Int(0))];
      kind.leased_jobs = leased.Int(1);
      kind.ready_jobs -= leased.Int(1);
      kind.planned_jobs -= leased.Int(2);
    }
    SLUICE_RETURN_IF_ERROR(leased.status());
  }
  Query file =
      connection_.Select("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()");
  if (file.Step()) stats.file_bytes = file.Int(0);
  SLUICE_RETURN_IF_ERROR(file.status());
  SLUICE_ASSIGN_OR_RETURN(stats.free_disk_bytes, connection_.FreeDiskBytes());
  return stats;
}

}  // namespace sluice
