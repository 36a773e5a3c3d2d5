#include "core/store/sqlite/sqlite_batch_store.h"

#include <type_traits>
#include <utility>

#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/store/batch_rules.h"
#include "core/store/sqlite/batch_tables.h"
#include "core/store/sqlite/end_mark.h"
#include "core/store/sqlite/schema.h"
#include "core/store/sqlite/store_thread.h"

namespace sluice {
namespace {

// A call with its answer. Answer is absl::Status or absl::StatusOr<T>; Body maps BatchTables& to it.
template <typename Answer, typename Body>
class AnsweringCall final : public StoreCall {
 public:
  AnsweringCall(CallEffect effect, Body body, absl::AnyInvocable<void(Answer) &&> done)
      : StoreCall(effect), body_(std::move(body)), done_(std::move(done)) {}

  absl::Status Run(BatchTables& tables) override {
    answer_ = body_(tables);
    return answer();
  }

  absl::Status answer() const override {
    if constexpr (std::is_same_v<Answer, absl::Status>) {
      return answer_;
    } else {
      return answer_.status();
    }
  }

  void Finish(const absl::Status& transaction) override {
    if (!transaction.ok()) answer_ = transaction;
    std::move(done_)(std::move(answer_));
  }

 private:
  Body body_;
  absl::AnyInvocable<void(Answer) &&> done_;
  Answer answer_ = absl::UnknownError("not run");
};

class SqliteBatchStore final : public BatchStore {
 public:
  SqliteBatchStore(const SqliteBatchStoreOptions& options, StoreThread::Parts parts)
      : thread_({.max_waiting_calls = options.max_waiting_calls,
                 .max_calls_per_commit = options.max_calls_per_commit,
                 .executor = options.executor,
                 .backup_executor = options.backup_executor,
                 .on_leases_left = [path = options.path] { LeaveEndMark(path); }},
                std::move(parts)) {}

  // A process that gets here did not die: the thread says so, should leases be left.
  ~SqliteBatchStore() override { thread_.Close(); }

  void SetListener(StoreListener* listener) override { thread_.SetListener(listener); }

  void CreateBatch(NewBatch batch, std::vector<NewJob> jobs, Done<Batch> done) override {
    Answer<Batch>(std::move(done), [batch = std::move(batch), jobs = std::move(jobs)](BatchTables& tables) {
      return tables.CreateBatch(batch, jobs);
    });
  }
  void BeginUpload(NewBatch batch, Done<Batch> done) override {
    Answer<Batch>(std::move(done),
                  [batch = std::move(batch)](BatchTables& tables) { return tables.BeginUpload(batch); });
  }
  void AppendJobs(std::string batch_id, std::vector<NewJob> jobs, DoneStatus done) override {
    AnswerStatus(std::move(done), [batch_id = std::move(batch_id), jobs = std::move(jobs)](
                                      BatchTables& tables) { return tables.AppendJobs(batch_id, jobs); });
  }
  void SealUpload(std::string batch_id, std::string digest, Done<Batch> done) override {
    Answer<Batch>(std::move(done), [batch_id = std::move(batch_id), digest = std::move(digest)](
                                       BatchTables& tables) { return tables.SealUpload(batch_id, digest); });
  }
  void AbandonUpload(std::string batch_id, DoneStatus done) override {
    AnswerStatus(
        std::move(done),
        [batch_id = std::move(batch_id)](BatchTables& tables) { return tables.AbandonUpload(batch_id); },
        CallEffect::kFrees);
  }
  void GetBatch(std::string tenant, std::string batch_id, Done<Batch> done) override {
    Answer<Batch>(
        std::move(done),
        [tenant = std::move(tenant), batch_id = std::move(batch_id)](BatchTables& tables) {
          return tables.GetBatch(tenant, batch_id);
        },
        CallEffect::kReads);
  }
  void ListBatches(std::string tenant, int page_size, std::string page_token, Done<BatchPage> done) override {
    Answer<BatchPage>(
        std::move(done),
        [tenant = std::move(tenant), page_size, page_token = std::move(page_token)](BatchTables& tables) {
          return tables.ListBatches(tenant, page_size, page_token);
        },
        CallEffect::kReads);
  }
  void CancelBatch(std::string tenant, std::string batch_id, Done<Batch> done) override {
    Answer<Batch>(
        std::move(done),
        [tenant = std::move(tenant), batch_id = std::move(batch_id)](BatchTables& tables) {
          return tables.CancelBatch(tenant, batch_id);
        },
        CallEffect::kFrees);
  }
  void DeleteBatch(std::string tenant, std::string batch_id, DoneStatus done) override {
    auto then_purge = [this, done = std::move(done)](absl::StatusOr<int64_t> number) mutable {
      if (!number.ok()) return std::move(done)(number.status());
      thread_.AwaitPurge(*number, std::move(done));
    };
    Answer<int64_t>(
        std::move(then_purge),
        [tenant = std::move(tenant), batch_id = std::move(batch_id)](BatchTables& tables) {
          return tables.DeleteBatch(tenant, batch_id);
        },
        CallEffect::kFrees);
  }
  void ReadOutcomes(std::string batch_id, int64_t after_sequence, int limit,
                    Done<std::vector<Outcome>> done) override {
    Answer<std::vector<Outcome>>(
        std::move(done),
        [batch_id = std::move(batch_id), after_sequence, limit](BatchTables& tables) {
          return tables.ReadOutcomes(batch_id, after_sequence, limit);
        },
        CallEffect::kReads);
  }
  void ReadRanked(std::string batch_id, int page_size, std::string page_token,
                  Done<RankedPage> done) override {
    Answer<RankedPage>(
        std::move(done),
        [batch_id = std::move(batch_id), page_size, page_token = std::move(page_token)](BatchTables& tables) {
          return tables.ReadRanked(batch_id, page_size, page_token);
        },
        CallEffect::kReads);
  }
  void ReadJobs(std::string batch_id, int64_t first_index, int limit,
                Done<std::vector<StoredJob>> done) override {
    Answer<std::vector<StoredJob>>(
        std::move(done),
        [batch_id = std::move(batch_id), first_index, limit](BatchTables& tables) {
          return tables.ReadJobs(batch_id, first_index, limit);
        },
        CallEffect::kReads);
  }
  void OpenSession(absl::Duration lease, Done<SessionId> done) override {
    // Nothing starts without a session, not even on a full disk.
    Answer<SessionId>(
        std::move(done), [lease](BatchTables& tables) { return tables.OpenSession(lease); },
        CallEffect::kFrees);
  }
  void Heartbeat(SessionId session, absl::Duration lease, Done<HeartbeatReply> done) override {
    Answer<HeartbeatReply>(
        std::move(done), [session, lease](BatchTables& tables) { return tables.Heartbeat(session, lease); });
  }
  void CloseSession(SessionId session, DoneStatus done) override {
    AnswerStatus(std::move(done), [session](BatchTables& tables) { return tables.CloseSession(session); });
  }
  void Claim(ClaimRequest request, Done<std::vector<Claimed>> done) override {
    Answer<std::vector<Claimed>>(std::move(done), [request = std::move(request)](BatchTables& tables) {
      return tables.Claim(request);
    });
  }
  void CommitOutcomes(std::vector<LeasedOutcome> outcomes, Done<std::vector<CommitResult>> done) override {
    Answer<std::vector<CommitResult>>(std::move(done), [outcomes = std::move(outcomes)](BatchTables& tables) {
      return tables.CommitOutcomes(outcomes);
    });
  }
  void ReturnClaims(std::vector<LeaseKey> leases, DoneStatus done) override {
    AnswerStatus(std::move(done),
                 [leases = std::move(leases)](BatchTables& tables) { return tables.ReturnClaims(leases); });
  }
  void EndAttempts(std::vector<LeaseKey> leases, DoneStatus done) override {
    AnswerStatus(std::move(done),
                 [leases = std::move(leases)](BatchTables& tables) { return tables.EndAttempts(leases); });
  }
  void CommitPlan(LeaseKey task, std::string plan, Done<std::string> done) override {
    Answer<std::string>(std::move(done), [task = std::move(task), plan = std::move(plan)](
                                             BatchTables& tables) { return tables.CommitPlan(task, plan); });
  }
  void ApplyPlan(LeaseKey task, std::vector<NewOutcome> rejected, std::vector<PlannedJob> survivors,
                 DoneStatus done) override {
    AnswerStatus(std::move(done),
                 [task = std::move(task), rejected = std::move(rejected), survivors = std::move(survivors)](
                     BatchTables& tables) { return tables.ApplyPlan(task, rejected, survivors); });
  }
  void FinishPlan(LeaseKey task, DoneStatus done) override {
    AnswerStatus(std::move(done),
                 [task = std::move(task)](BatchTables& tables) { return tables.FinishPlan(task); });
  }
  void Sweep(absl::Duration retention, absl::Duration upload_age, Done<SweepReply> done) override {
    Answer<SweepReply>(
        std::move(done),
        [retention, upload_age](BatchTables& tables) { return tables.Sweep(retention, upload_age); },
        CallEffect::kFrees);
  }
  void Stats(Done<StoreStats> done) override {
    Answer<StoreStats>(
        std::move(done), [](BatchTables& tables) { return tables.Stats(); }, CallEffect::kReads);
  }
  void Backup(std::string path, DoneStatus done) override {
    auto then_copy = [this, path = std::move(path), done = std::move(done)](absl::Status ready) mutable {
      if (!ready.ok()) return std::move(done)(std::move(ready));
      thread_.StartBackup(std::move(path), std::move(done));
    };
    AnswerStatus(std::move(then_copy), [](BatchTables&) { return absl::OkStatus(); }, CallEffect::kReads);
  }

 private:
  template <typename T, typename Body>
  void Answer(Done<T> done, Body body, CallEffect effect = CallEffect::kWrites) {
    thread_.Enqueue(
        std::make_unique<AnsweringCall<absl::StatusOr<T>, Body>>(effect, std::move(body), std::move(done)));
  }
  template <typename Body>
  void AnswerStatus(DoneStatus done, Body body, CallEffect effect = CallEffect::kWrites) {
    thread_.Enqueue(
        std::make_unique<AnsweringCall<absl::Status, Body>>(effect, std::move(body), std::move(done)));
  }

  StoreThread thread_;
};

absl::Status CheckOptions(const SqliteBatchStoreOptions& options) {
  SLUICE_RETURN_IF_ERROR(CheckRange("max_attempts", options.max_attempts, 1, 100));
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
  SLUICE_ASSIGN_OR_RETURN(const int64_t salt, ReadSalt(*connection));
  auto tables = std::make_unique<BatchTables>(*connection, clock,
                                              TryLimits{options.max_attempts, options.max_deaths_alone,
                                                        options.max_plan_deaths_alone, options.alone_for},
                                              salt);
  SLUICE_RETURN_IF_ERROR(EndEarlierProcess(*connection, *tables, options.path));
  SLUICE_ASSIGN_OR_RETURN(std::vector<int64_t> purging, tables->PurgingBatches());
  return StoreThread::Parts{std::move(connection), std::move(tables), std::move(purging), std::move(reserve)};
}

}  // namespace

absl::StatusOr<std::unique_ptr<BatchStore>> OpenSqliteBatchStore(SqliteBatchStoreOptions options,
                                                                 const Clock& clock) {
  SLUICE_RETURN_IF_ERROR(CheckOptions(options));
  DiskReserve reserve(DiskReserveOf(options.path), options.reserve_bytes);
  absl::StatusOr<StoreThread::Parts> parts = OpenParts(options, clock, reserve);
  // So that a server that is started on a full disk can be told what to delete.
  if (IsDiskFull(parts.status()) && reserve.Release()) parts = OpenParts(options, clock, reserve);
  SLUICE_RETURN_IF_ERROR(parts.status());
  if (parts->purging.empty()) parts->reserve.Take();
  return std::make_unique<SqliteBatchStore>(options, *std::move(parts));
}

}  // namespace sluice
