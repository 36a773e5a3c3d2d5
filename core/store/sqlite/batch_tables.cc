// Batches themselves: their rows, their creation and their listing.
#include "core/store/sqlite/batch_tables.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/store/batch_rules.h"
#include "core/store/page_token.h"
#include "core/store/sqlite/rows.h"
#include "core/store/sqlite/schema.h"

namespace sluice {
namespace {

#define SLUICE_BATCH_COLUMNS                                                                              \
  "batch, tenant, kind, state, ending, priority, jobs, succeeded, failed, cancelled, expired, last_seq, " \
  "plan_applied, as_of, create_time, expire_time, end_time, request_id, digest, tasks"

constexpr char kListCall = 'L';

}  // namespace

std::string BatchTables::BatchId(int64_t number) const {
  return BatchIdOf(number, salt_);
}

absl::StatusOr<int64_t> BatchTables::TakeNumbers(absl::string_view counter, int64_t count) {
  Query taken = connection_.Select("UPDATE meta SET value = value + ?2 WHERE name = ?1 RETURNING value",
                                   counter, count);
  const bool found = taken.Step();
  const int64_t last = found ? taken.Int(0) : 0;
  SLUICE_RETURN_IF_ERROR(taken.Finish());
  if (!found)
    return absl::DataLossError(absl::StrCat("the store's file lacks its counter \"", counter, "\""));
  return last - count + 1;
}

BatchTables::BatchRow BatchTables::RowOf(const Query& query) const {
  BatchRow row;
  row.number = query.Int(0);
  Batch& batch = row.batch;
  batch.id = BatchId(row.number);
  batch.tenant = query.String(1);
  batch.kind = static_cast<JobKind>(query.Int(2));
  batch.state = static_cast<BatchState>(query.Int(3));
  if (query.Int(4) != 0) row.ending = static_cast<OutcomeKind>(query.Int(4));
  batch.priority = static_cast<int>(query.Int(5));
  batch.counts = {query.Int(6), query.Int(7), query.Int(8), query.Int(9), query.Int(10)};
  batch.last_sequence = query.Int(11);
  batch.plan_applied = query.Int(12) != 0;
  batch.as_of = TimeOfColumn(query.Int(13));
  batch.create_time = TimeOfColumn(query.Int(14));
  batch.expire_time = TimeOfColumn(query.Int(15));
  if (!query.IsNull(16)) batch.end_time = TimeOfColumn(query.Int(16));
  row.request_id = query.String(17);
  row.digest = query.String(18);
  row.tasks = query.Int(19);
  row.loaded_sequence = batch.last_sequence;
  return row;
}

absl::StatusOr<BatchTables::BatchRow> BatchTables::LoadNumber(int64_t number) {
  Query query = connection_.Select(
      "SELECT " SLUICE_BATCH_COLUMNS " FROM batch WHERE batch = ?1 AND state <> " SLUICE_PURGING, number);
  if (query.Step()) return RowOf(query);
  SLUICE_RETURN_IF_ERROR(query.status());
  return NoSuchBatch(BatchId(number));
}

absl::StatusOr<BatchTables::BatchRow> BatchTables::Load(const std::string& batch_id) {
  const std::optional<int64_t> number = BatchNumberOf(batch_id, salt_);
  if (!number) return NoSuchBatch(batch_id);
  return LoadNumber(*number);
}

absl::StatusOr<BatchTables::BatchRow> BatchTables::Load(const BatchKey& name) {
  SLUICE_ASSIGN_OR_RETURN(BatchRow row, Load(name.id));
  if (row.batch.tenant != name.tenant) return NoSuchBatch(name.id);
  return row;
}

absl::StatusOr<Batch> BatchTables::WithTexts(BatchRow row) {
  Query texts = connection_.Select("SELECT spec, plan FROM batch_text WHERE batch = ?1", row.number);
  if (texts.Step()) {
    row.batch.spec = texts.String(0);
    row.batch.plan = texts.String(1);
  }
  SLUICE_RETURN_IF_ERROR(texts.status());
  return std::move(row.batch);
}

absl::StatusOr<BatchTables::BatchRow> BatchTables::InsertBatch(const NewBatch& batch, BatchState state,
                                                               int64_t jobs) {
  SLUICE_ASSIGN_OR_RETURN(const int64_t number, TakeNumbers("batch", 1));
  const absl::Time now = clock_.WallNow();
  BatchRow row;
  row.number = number;
  row.batch = {.id = BatchId(number),
               .tenant = batch.tenant,
               .kind = batch.kind,
               .state = state,
               .counts = {.jobs = jobs},
               .spec = batch.spec,
               .as_of = StoredTime(batch.as_of),
               .create_time = StoredTime(now),
               .expire_time = StoredTime(now + batch.expires_after),
               .priority = batch.priority};
  row.request_id = batch.request_id;
  row.digest = batch.digest;
  SLUICE_RETURN_IF_ERROR(connection_.Run(
      "INSERT INTO batch (batch, tenant, kind, state, priority, jobs, as_of, create_time, expire_time, "
      "request_id, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
      number, batch.tenant, ToColumn(batch.kind), ToColumn(state), batch.priority, jobs,
      ToColumn(row.batch.as_of), ToColumn(row.batch.create_time), ToColumn(row.batch.expire_time),
      batch.request_id, Blob{batch.digest}));
  SLUICE_RETURN_IF_ERROR(
      connection_.Run("INSERT INTO batch_text (batch, spec) VALUES (?1, ?2)", number, Blob{batch.spec}));
  return row;
}

absl::Status BatchTables::InsertJobs(int64_t number, int64_t first_index, absl::Span<const NewJob> jobs) {
  for (size_t i = 0; i < jobs.size(); ++i) {
    const absl::Status inserted = connection_.Run(
        "INSERT INTO job (job, batch, id, payload) VALUES (?1, ?2, ?3, ?4)",
        JobKey(number, first_index + static_cast<int64_t>(i)), number, jobs[i].id, Blob{jobs[i].payload});
    if (absl::IsAlreadyExists(inserted)) return DuplicateJobId(static_cast<int64_t>(i), jobs[i].id);
    SLUICE_RETURN_IF_ERROR(inserted);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<BatchTables::BatchRow>> BatchTables::FindRequest(const std::string& tenant,
                                                                              const std::string& request_id,
                                                                              const std::string& digest) {
  if (request_id.empty()) return std::nullopt;
  int64_t number = 0;
  {
    Query request = connection_.Select(
        "SELECT digest, batch FROM request WHERE tenant = ?1 AND request_id = ?2", tenant, request_id);
    if (!request.Step()) {
      SLUICE_RETURN_IF_ERROR(request.status());
      return std::nullopt;
    }
    if (request.Bytes(0) != digest) return RequestIdReused();
    number = request.Int(1);
  }
  return LoadNumber(number);
}

absl::Status BatchTables::Seal(const BatchRow& row) {
  if (!row.request_id.empty()) {
    SLUICE_RETURN_IF_ERROR(
        connection_.Run("INSERT INTO request (tenant, request_id, digest, batch) VALUES (?1, ?2, ?3, ?4)",
                        row.batch.tenant, row.request_id, Blob{row.digest}, row.number));
  }
  const StageRow& stage = stages_.FirstOf(row.batch.kind);
  const bool waits = stage.scope == StageScope::kBatch;
  const int64_t first = waits ? row.plan_task() : JobKey(row.number, 0);
  const int64_t last = waits ? first : JobKey(row.number, row.batch.counts.jobs - 1);
  SLUICE_RETURN_IF_ERROR(connection_.Run(
      "WITH RECURSIVE key (job) AS (VALUES (?1) UNION ALL SELECT job + 1 FROM key WHERE job < ?2) "
      "INSERT INTO ready (job, stage, batch_priority, batch, priority, attempts) SELECT job, ?3, ?4, ?5, 0, "
      "0 FROM key",
      first, last, ToColumn(stage.id), row.batch.priority, row.number));
  changes_.ready = true;
  changes_.batches.insert(row.number);
  return absl::OkStatus();
}

absl::StatusOr<Batch> BatchTables::CreateBatch(const NewBatch& batch, absl::Span<const NewJob> jobs) {
  SLUICE_RETURN_IF_ERROR(CheckNewBatch(batch, stages_));
  SLUICE_RETURN_IF_ERROR(CheckSealable(static_cast<int64_t>(jobs.size())));
  SLUICE_RETURN_IF_ERROR(CheckJobs(jobs, 0));
  SLUICE_ASSIGN_OR_RETURN(std::optional<BatchRow> earlier,
                          FindRequest(batch.tenant, batch.request_id, batch.digest));
  if (earlier) return WithTexts(*std::move(earlier));
  SLUICE_ASSIGN_OR_RETURN(BatchRow row,
                          InsertBatch(batch, BatchState::kPending, static_cast<int64_t>(jobs.size())));
  SLUICE_RETURN_IF_ERROR(InsertJobs(row.number, 0, jobs));
  SLUICE_RETURN_IF_ERROR(Seal(row));
  return std::move(row.batch);
}

absl::StatusOr<Batch> BatchTables::GetBatch(const BatchKey& name) {
  SLUICE_ASSIGN_OR_RETURN(BatchRow row, Load(name));
  return WithTexts(std::move(row));
}

absl::StatusOr<BatchPage> BatchTables::ListBatches(const std::string& tenant, int page_size,
                                                   const std::string& page_token) {
  SLUICE_RETURN_IF_ERROR(CheckRange("page_size", page_size, 1, 1000));
  PageToken from{.call = kListCall, .scope = Fingerprint(tenant), .position = int64_t{1} << 50, .rank = 0};
  if (!page_token.empty()) {
    SLUICE_ASSIGN_OR_RETURN(from, DecodePageToken(page_token, kListCall, Fingerprint(tenant)));
  }
  Query query =
      connection_.Select("SELECT " SLUICE_BATCH_COLUMNS
                         " FROM batch WHERE tenant = ?1 AND batch < ?2 AND state <> " SLUICE_UPLOADING
                         " AND state <> " SLUICE_PURGING
                         " "
                         "ORDER BY batch DESC LIMIT ?3",
                         tenant, from.position, page_size + 1);
  BatchPage page;
  int64_t last = 0;
  while (query.Step()) {
    if (static_cast<int>(page.batches.size()) == page_size) {
      page.next_page_token = EncodePageToken({kListCall, from.scope, last, from.rank + page_size});
      break;
    }
    last = query.Int(0);
    page.batches.push_back(RowOf(query).batch);
  }
  SLUICE_RETURN_IF_ERROR(query.status());
  return page;
}

int64_t BatchTables::BatchRow::plan_task() const {
  return JobKey(number, batch.counts.jobs);
}

absl::Status BatchTables::Save(BatchRow& row) {
  Batch& batch = row.batch;
  if (batch.counts.done() == batch.counts.jobs && !IsTerminal(batch.state)) {
    batch.state = EndState(batch.counts);
    batch.end_time = StoredTime(clock_.WallNow());
  }
  changes_.batches.insert(row.number);
  SLUICE_RETURN_IF_ERROR(connection_.Run(
      "UPDATE batch SET state = ?2, ending = ?3, succeeded = ?4, failed = ?5, cancelled = ?6, expired = ?7, "
      "last_seq = ?8, plan_applied = ?9 WHERE batch = ?1",
      row.number, ToColumn(batch.state), row.ending ? ToColumn(*row.ending) : 0, batch.counts.succeeded,
      batch.counts.failed, batch.counts.cancelled, batch.counts.expired, batch.last_sequence,
      int64_t{batch.plan_applied}));
  if (!IsTerminal(batch.state)) return absl::OkStatus();
  changes_.ended_batches.insert(row.number);
  return connection_.Run("UPDATE batch SET end_time = ?2 WHERE batch = ?1 AND end_time IS NULL", row.number,
                         ToColumn(batch.end_time));
}

}  // namespace sluice
