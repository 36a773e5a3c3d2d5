// Outcomes: recorded once, with their sequence number and the batch's counters, under the lease's fence.
#include <utility>

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

absl::StatusOr<std::vector<CommitResult>> BatchTables::CommitOutcomes(
    absl::Span<const LeasedOutcome> outcomes) {
  SLUICE_RETURN_IF_ERROR(CheckOutcomes(outcomes));
  std::vector<CommitResult> results;
  results.reserve(outcomes.size());
  absl::flat_hash_map<int64_t, BatchRow> rows;
  for (const LeasedOutcome& leased : outcomes) {
    const std::optional<int64_t> number = BatchNumberOf(leased.lease.batch_id, salt_);
    const int64_t job = number ? JobKey(*number, leased.lease.job_index) : 0;
    std::optional<int> attempt;
    if (number) {
      Query lease =
          connection_.Select("DELETE FROM lease WHERE job = ?1 AND fence = ?2 RETURNING attempt, suspicion",
                             job, leased.lease.fence);
      if (lease.Step()) {
        attempt = static_cast<int>(lease.Int(0));
        if (lease.Int(1) > 0) changes_.ready = true;  // the next suspect, or all that they held back
      }
      SLUICE_RETURN_IF_ERROR(lease.Finish());
    }
    results.push_back(attempt ? CommitResult::kRecorded : CommitResult::kFenced);
    if (!attempt) continue;
    if (!rows.contains(*number)) {
      SLUICE_ASSIGN_OR_RETURN(BatchRow row, LoadNumber(*number));
      rows.emplace(*number, std::move(row));
    }
    SLUICE_ASSIGN_OR_RETURN(const std::string job_id, JobId(job));
    SLUICE_RETURN_IF_ERROR(Record(rows.at(*number), job, job_id, *attempt, leased.outcome));
  }
  for (auto& [number, row] : rows) SLUICE_RETURN_IF_ERROR(Save(row));
  return results;
}

}  // namespace sluice
