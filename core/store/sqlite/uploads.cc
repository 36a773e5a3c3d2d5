// Uploads in parts: a batch that nobody sees until it is sealed.
#include <utility>

#include "core/base/log.h"
#include "core/base/status_macros.h"
#include "core/store/batch_rules.h"
#include "core/store/sqlite/batch_tables.h"
#include "core/store/sqlite/rows.h"
#include "core/store/sqlite/schema.h"

namespace sluice {

absl::StatusOr<BatchTables::BatchRow> BatchTables::LoadUpload(const BatchKey& upload) {
  absl::StatusOr<BatchRow> row = Load(upload);
  if (absl::IsNotFound(row.status())) return NoSuchUpload(upload.id);
  if (row.ok() && row->batch.state != BatchState::kUploading) return NoSuchUpload(upload.id);
  return row;
}

absl::StatusOr<Batch> BatchTables::BeginUpload(const NewBatch& batch) {
  SLUICE_RETURN_IF_ERROR(CheckNewBatch(batch, stages_));
  if (!batch.digest.empty()) {
    SLUICE_ASSIGN_OR_RETURN(std::optional<BatchRow> earlier,
                            FindRequest(batch.tenant, batch.request_id, batch.digest));
    if (earlier) return WithTexts(*std::move(earlier));
  }
  SLUICE_ASSIGN_OR_RETURN(BatchRow row, InsertBatch(batch, BatchState::kUploading, 0));
  return std::move(row.batch);
}

absl::Status BatchTables::AppendJobs(const BatchKey& upload, absl::Span<const NewJob> jobs) {
  SLUICE_ASSIGN_OR_RETURN(const BatchRow row, LoadUpload(upload));
  SLUICE_RETURN_IF_ERROR(CheckJobs(jobs, row.batch.counts.jobs));
  SLUICE_RETURN_IF_ERROR(InsertJobs(row.number, row.batch.counts.jobs, jobs));
  return connection_.Run("UPDATE batch SET jobs = jobs + ?2 WHERE batch = ?1", row.number,
                         static_cast<int64_t>(jobs.size()));
}

absl::StatusOr<Batch> BatchTables::SealUpload(const BatchKey& upload, const std::string& digest) {
  SLUICE_ASSIGN_OR_RETURN(BatchRow row, LoadUpload(upload));
  SLUICE_RETURN_IF_ERROR(CheckSealable(row.batch.counts.jobs));
  if (!digest.empty()) row.digest = digest;
  SLUICE_ASSIGN_OR_RETURN(std::optional<BatchRow> earlier,
                          FindRequest(row.batch.tenant, row.request_id, row.digest));
  if (earlier) {  // another upload of the same request was sealed first
    SLUICE_RETURN_IF_ERROR(MarkPurging(row));
    return WithTexts(*std::move(earlier));
  }
  SLUICE_RETURN_IF_ERROR(connection_.Run("UPDATE batch SET state = ?2 WHERE batch = ?1", row.number,
                                         ToColumn(BatchState::kPending)));
  row.batch.state = BatchState::kPending;
  SLUICE_RETURN_IF_ERROR(Seal(row));
  return WithTexts(std::move(row));
}

absl::Status BatchTables::AbandonUpload(const BatchKey& upload) {
  SLUICE_ASSIGN_OR_RETURN(const BatchRow row, LoadUpload(upload));
  return MarkPurging(row);
}

absl::Status BatchTables::DropUploads() {
  // What is marked is purged a piece at a time once calls are answered, and again should that be cut short.
  SLUICE_RETURN_IF_ERROR(connection_.Run("UPDATE batch SET state = ?1 WHERE " SLUICE_NOT_ENDED
                                         " AND state = ?2",
                                         ToColumn(kPurging), ToColumn(BatchState::kUploading)));
  if (const int64_t dropped = connection_.changes(); dropped > 0) {
    Log(LogLevel::kInfo, "dropped ", dropped, " uploads that the process before did not receive in full");
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> BatchTables::DeleteBatch(const BatchKey& name) {
  SLUICE_ASSIGN_OR_RETURN(const BatchRow row, Load(name));
  if (row.batch.state == BatchState::kUploading) return UploadStillOpen(name.id);
  if (!IsTerminal(row.batch.state)) return NotFinished(name.id);
  SLUICE_RETURN_IF_ERROR(MarkPurging(row));
  return row.number;
}

absl::Status BatchTables::MarkPurging(const BatchRow& row) {
  SLUICE_RETURN_IF_ERROR(
      connection_.Run("UPDATE batch SET state = ?2 WHERE batch = ?1", row.number, ToColumn(kPurging)));
  SLUICE_RETURN_IF_ERROR(
      connection_.Run("DELETE FROM request WHERE tenant = ?1 AND request_id = ?2 AND batch = ?3",
                      row.batch.tenant, row.request_id, row.number));
  // The plan task of a finished batch may still be held: its steps find no lease from now on.
  SLUICE_RETURN_IF_ERROR(connection_.Run("DELETE FROM lease WHERE job BETWEEN ?1 AND ?2",
                                         FirstKey(row.number), LastKey(row.number)));
  // Or wait for another try: claimed without its batch it would fail every claim after it.
  SLUICE_RETURN_IF_ERROR(connection_.Run("DELETE FROM ready WHERE job BETWEEN ?1 AND ?2",
                                         FirstKey(row.number), LastKey(row.number)));
  changes_.ready = true;
  changes_.purging.push_back(row.number);
  return absl::OkStatus();
}

}  // namespace sluice
