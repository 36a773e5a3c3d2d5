#include "core/store/sqlite/sqlite_batch_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/store/batch_rules.h"
#include "core/store/sqlite/batch_tables.h"
#include "core/store/sqlite/end_mark.h"
#include "core/store/sqlite/rows.h"
#include "core/store/sqlite/schema.h"
#include "core/store/sqlite/store_call.h"
#include "core/store/sqlite/store_thread.h"

namespace sluice {
namespace {

class SqliteBatchStore final : public EmbeddedStore {
 public:
  SqliteBatchStore(const SqliteBatchStoreOptions& options, BatchTables& tables, StoreThread::Parts parts)
      : tables_(tables),
        thread_({.max_waiting_calls = options.max_waiting_calls,
                 .max_calls_per_commit = options.max_calls_per_commit,
                 .executor = options.executor,
                 .backup_executor = options.backup_executor,
                 .on_leases_left = [path = options.path] { LeaveEndMark(path); }},
                std::move(parts)) {}

  // A process that gets here did not die: the thread says so, should leases be left.
  ~SqliteBatchStore() override { thread_.Close(); }

  void SetListener(StoreListener* listener) override { thread_.SetListener(listener); }

  void CreateBatch(NewBatch batch, std::vector<NewJob> jobs, Done<Batch> done) override {
    Run(CallEffect::kWrites, std::move(done), &BatchTables::CreateBatch, std::move(batch), std::move(jobs));
  }
  void BeginUpload(NewBatch batch, Done<Batch> done) override {
    Run(CallEffect::kWrites, std::move(done), &BatchTables::BeginUpload, std::move(batch));
  }
  void AppendJobs(BatchKey upload, std::vector<NewJob> jobs, Done<void> done) override {
    Run(CallEffect::kWrites, std::move(done), &BatchTables::AppendJobs, std::move(upload), std::move(jobs));
  }
  void SealUpload(BatchKey upload, std::string digest, Done<Batch> done) override {
    Run(CallEffect::kWrites, std::move(done), &BatchTables::SealUpload, std::move(upload), std::move(digest));
  }
  void AbandonUpload(BatchKey upload, Done<void> done) override {
    Run(CallEffect::kFrees, std::move(done), &BatchTables::AbandonUpload, std::move(upload));
  }
  void GetBatch(BatchKey name, Done<Batch> done) override {
    Run(CallEffect::kReads, std::move(done), &BatchTables::GetBatch, std::move(name));
  }
  void ListBatches(std::string tenant, int page_size, std::string page_token, Done<BatchPage> done) override {
    Run(CallEffect::kReads, std::move(done), &BatchTables::ListBatches, std::move(tenant), page_size,
        std::move(page_token));
  }
  void CancelBatch(BatchKey name, Done<Batch> done) override {
    Run(CallEffect::kFrees, std::move(done), &BatchTables::CancelBatch, std::move(name));
  }
  void DeleteBatch(BatchKey name, Done<void> done) override {
    Done<int64_t> then_purge = [this, done = std::move(done)](absl::StatusOr<int64_t> number) mutable {
      if (!number.ok()) return std::move(done)(number.status());
      thread_.AwaitPurge(*number, std::move(done));
    };
    Run(CallEffect::kFrees, std::move(then_purge), &BatchTables::DeleteBatch, std::move(name));
  }
  void ReadOutcomes(BatchKey name, int64_t after_sequence, int limit,
                    Done<std::vector<Outcome>> done) override {
    Run(CallEffect::kReads, std::move(done), &BatchTables::ReadOutcomes, std::move(name), after_sequence,
        limit);
  }
  void ReadRanked(BatchKey name, int page_size, std::string page_token, Done<RankedPage> done) override {
    Run(CallEffect::kReads, std::move(done), &BatchTables::ReadRanked, std::move(name), page_size,
        std::move(page_token));
  }
  // kFrees: nothing starts without a session, not even on a full disk.
  void OpenSession(absl::Duration lease, Done<SessionId> done) override {
    Run(CallEffect::kFrees, std::move(done), &BatchTables::OpenSession, lease);
  }
  void Heartbeat(SessionId session, absl::Duration lease, Done<HeartbeatReply> done) override {
    Run(CallEffect::kWrites, std::move(done), &BatchTables::Heartbeat, session, lease);
  }
  void CloseSession(SessionId session, Done<void> done) override {
    Run(CallEffect::kWrites, std::move(done), &BatchTables::CloseSession, session);
  }
  void Claim(ClaimRequest request, Done<std::vector<Claimed>> done) override {
    Run(CallEffect::kWrites, std::move(done), &BatchTables::Claim, std::move(request));
  }
  void CommitSteps(std::vector<LeasedStep> steps, Done<std::vector<CommitResult>> done) override {
    Run(CallEffect::kWrites, std::move(done), &BatchTables::CommitSteps, std::move(steps));
  }
  void ReturnClaims(std::vector<LeaseKey> leases, Done<void> done) override {
    Run(CallEffect::kWrites, std::move(done), &BatchTables::ReturnClaims, std::move(leases));
  }
  void EndAttempts(std::vector<LeaseKey> leases, Done<void> done) override {
    Run(CallEffect::kWrites, std::move(done), &BatchTables::EndAttempts, std::move(leases));
  }
  void CommitPlan(LeaseKey task, std::string plan, Done<std::string> done) override {
    Run(CallEffect::kWrites, std::move(done), &BatchTables::CommitPlan, std::move(task), std::move(plan));
  }
  void ApplyPlan(LeaseKey task, std::vector<NewOutcome> rejected, std::vector<PlannedJob> survivors,
                 Done<void> done) override {
    Run(CallEffect::kWrites, std::move(done), &BatchTables::ApplyPlan, std::move(task), std::move(rejected),
        std::move(survivors));
  }
  void FinishPlan(LeaseKey task, Done<void> done) override {
    Run(CallEffect::kWrites, std::move(done), &BatchTables::FinishPlan, std::move(task));
  }
  void ReadTasks(std::string batch_id, int64_t job_index, int first_task, int limit,
                 Done<std::vector<TaskEnd>> done) override {
    Run(CallEffect::kReads, std::move(done), &BatchTables::ReadTasks, std::move(batch_id), job_index,
        first_task, limit);
  }
  void ReadBatch(std::string batch_id, Done<Batch> done) override {
    Run(CallEffect::kReads, std::move(done), &BatchTables::ReadBatch, std::move(batch_id));
  }
  void ReadJobs(std::string batch_id, int64_t first_index, int limit,
                Done<std::vector<StoredJob>> done) override {
    Run(CallEffect::kReads, std::move(done), &BatchTables::ReadJobs, std::move(batch_id), first_index, limit);
  }
  void Sweep(absl::Duration retention, absl::Duration upload_age, Done<SweepReply> done) override {
    Run(CallEffect::kFrees, std::move(done), &BatchTables::Sweep, retention, upload_age);
  }
  void Stats(Done<StoreStats> done) override {
    Run(CallEffect::kReads, std::move(done), &BatchTables::Stats);
  }
  void Backup(std::string path, Done<void> done) override {
    thread_.Backup(std::move(path), std::move(done));
  }

 private:
  template <typename Answer, typename... Params, typename... Args>
  void Run(CallEffect effect, absl::AnyInvocable<void(Answer) &&> done,
           Answer (BatchTables::*method)(Params...), Args... args) {
    thread_.Enqueue(CallOf(tables_, effect, std::move(done), method, std::move(args)...));
  }

  BatchTables& tables_;  // the thread's
  StoreThread thread_;
};

absl::Status CheckOptions(const SqliteBatchStoreOptions& options) {
  SLUICE_RETURN_IF_ERROR(CheckRange("max_deaths_alone", options.max_deaths_alone, 1, 1000));
  SLUICE_RETURN_IF_ERROR(CheckRange("max_plan_deaths_alone", options.max_plan_deaths_alone, 1, 1000));
  SLUICE_RETURN_IF_ERROR(CheckRange("max_waiting_calls", options.max_waiting_calls, 1, 1 << 20));
  SLUICE_RETURN_IF_ERROR(CheckRange("max_calls_per_commit", options.max_calls_per_commit, 1, 1 << 20));
  SLUICE_RETURN_IF_ERROR(CheckRange("cache_bytes", options.cache_bytes, 1 << 20, int64_t{1} << 40));
  if (options.alone_for < absl::ZeroDuration()) return FieldError("alone_for", "must not be negative");
  SLUICE_RETURN_IF_ERROR(CheckRange("reserve_bytes", options.reserve_bytes, 0, int64_t{1} << 40));
  return CheckRange("max_page_count", options.max_page_count, 0, 1 << 30);
}

absl::StatusOr<int64_t> ReadSalt(Connection& connection) {
  Query salt = connection.Select("SELECT value FROM meta WHERE name = 'salt'");
  if (salt.Step()) return salt.Int(0);
  SLUICE_RETURN_IF_ERROR(salt.status());
  return absl::DataLossError("the store's file lacks its salt");
}

// A release that is older than the one that wrote the file may not know what work stands in it.
absl::Status CheckStages(Connection& connection, const StageTable& stages, const std::string& path) {
  const auto unknown = [&path](absl::string_view what, int64_t number) {
    return WithReason(absl::FailedPreconditionError(
                          absl::StrCat(path, " has work of ", what, " ", number,
                                       ", which this release does not know: use the release that wrote it")),
                      "SCHEMA_TOO_NEW");
  };
  Query work = connection.Select(
      "SELECT DISTINCT stage FROM ready UNION SELECT stage FROM lease UNION SELECT next FROM fan_out");
  while (work.Step()) {
    if (stages.Find(static_cast<Stage>(work.Int(0))) == nullptr) return unknown("stage", work.Int(0));
  }
  SLUICE_RETURN_IF_ERROR(work.status());
  Query kinds = connection.Select("SELECT DISTINCT kind FROM batch WHERE " SLUICE_NOT_ENDED);
  while (kinds.Step()) {
    if (stages.Find(static_cast<JobKind>(kinds.Int(0))) == nullptr) return unknown("kind", kinds.Int(0));
  }
  return kinds.status();
}

// Of an earlier process: what it had leased is requeued, what it had not received in full is dropped.
absl::Status EndEarlierProcess(Connection& connection, BatchTables& tables, const std::string& path) {
  SLUICE_RETURN_IF_ERROR(connection.Run("BEGIN IMMEDIATE"));
  SLUICE_ASSIGN_OR_RETURN(const bool is_backup, TakeBackupMark(connection));
  SLUICE_RETURN_IF_ERROR(tables.RequeueAll(/*died=*/!HasEndMark(path) && !is_backup));
  SLUICE_RETURN_IF_ERROR(tables.DropUploads());
  SLUICE_RETURN_IF_ERROR(connection.Commit());
  SLUICE_RETURN_IF_ERROR(RemoveEndMark(path));
  tables.TakeChanges();
  return absl::OkStatus();
}

absl::StatusOr<StoreThread::Parts> OpenParts(const SqliteBatchStoreOptions& options, const Clock& clock,
                                             DiskReserve reserve) {
  SLUICE_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, OpenDatabase(options));
  SLUICE_RETURN_IF_ERROR(CheckStages(*connection, *options.stages, options.path));
  SLUICE_ASSIGN_OR_RETURN(const int64_t salt, ReadSalt(*connection));
  auto tables = std::make_unique<BatchTables>(
      *connection, clock, *options.stages,
      TryLimits{options.max_deaths_alone, options.max_plan_deaths_alone, options.alone_for}, salt);
  SLUICE_RETURN_IF_ERROR(EndEarlierProcess(*connection, *tables, options.path));
  SLUICE_ASSIGN_OR_RETURN(std::vector<int64_t> purging, tables->PurgingBatches());
  return StoreThread::Parts{std::move(connection), std::move(tables), std::move(purging), std::move(reserve)};
}

}  // namespace

absl::StatusOr<std::unique_ptr<EmbeddedStore>> OpenSqliteBatchStore(const SqliteBatchStoreOptions& options,
                                                                    const Clock& clock) {
  SLUICE_RETURN_IF_ERROR(CheckOptions(options));
  SLUICE_ASSIGN_OR_RETURN(StoreThread::Parts parts,
                          StoreThread::Open(options.path, options.reserve_bytes, [&](DiskReserve reserve) {
                            return OpenParts(options, clock, std::move(reserve));
                          }));
  auto& tables = static_cast<BatchTables&>(*parts.tables);  // OpenParts made them
  return std::make_unique<SqliteBatchStore>(options, tables, std::move(parts));
}

}  // namespace sluice
