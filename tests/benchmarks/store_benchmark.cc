// What the durable store costs beside SQLite itself: jobs accepted a second, as a share of a bare insert of
// the same rows into the same kind of file in the same run, and jobs claimed and recorded a second.
//
//   sluice_store_benchmark [JOBS] [ROUNDS]
//
// Every row of 1.3 KB; both sides in write-ahead mode with synchronous=FULL, so that what is counted is on
// disk.
#include <sqlite3.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/notification.h"
#include "core/store/await.h"
#include "core/store/sqlite/sqlite_batch_store.h"
#include "tests/benchmarks/benchmark_directory.h"

namespace sluice {
namespace {

constexpr size_t kPayloadBytes = 1300;
constexpr size_t kVerdictBytes = 700;
constexpr int kJobsPerPart = 700;  // what a megabyte of postings holds: the client's part of an upload
constexpr int kJobsPerSmallBatch = 100;
constexpr int kClaims = 256;

void Require(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "sluice_store_benchmark: %s\n", status.ToString().c_str());
  std::exit(1);
}

std::vector<NewJob> MakeJobs(int first, int count) {
  std::vector<NewJob> jobs;
  for (int i = first; i < first + count; ++i) {
    std::string payload = absl::StrCat("posting ", i, " ");
    while (payload.size() < kPayloadBytes) absl::StrAppend(&payload, payload.size() * 7919 + i, " ");
    jobs.push_back({absl::StrCat("job-", i), std::move(payload)});
  }
  return jobs;
}

double PerSecond(int count, absl::Time start) {
  return count / absl::ToDoubleSeconds(absl::Now() - start);
}

void RequireSqlite(sqlite3* database, int code) {
  if (code == SQLITE_OK || code == SQLITE_DONE) return;
  Require(absl::InternalError(sqlite3_errmsg(database)));
}

// The bare minimum: one table, one prepared statement, one transaction a part.
double BareInsert(const BenchmarkDirectory& directory, int count) {
  sqlite3* database = nullptr;
  RequireSqlite(database, sqlite3_open(directory.Path("bare.db").c_str(), &database));
  const auto run = [&](const char* sql) {
    RequireSqlite(database, sqlite3_exec(database, sql, nullptr, nullptr, nullptr));
  };
  run("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
      "CREATE TABLE job (job INTEGER PRIMARY KEY, batch INTEGER NOT NULL, id TEXT NOT NULL, payload BLOB NOT "
      "NULL)");
  sqlite3_stmt* insert = nullptr;
  RequireSqlite(database,
                sqlite3_prepare_v2(database, "INSERT INTO job (batch, id, payload) VALUES (1, ?, ?)", -1,
                                   &insert, nullptr));
  const std::vector<NewJob> jobs = MakeJobs(0, count);
  const absl::Time start = absl::Now();
  for (size_t first = 0; first < jobs.size(); first += kJobsPerPart) {
    run("BEGIN IMMEDIATE");
    for (size_t i = first; i < std::min(jobs.size(), first + kJobsPerPart); ++i) {
      sqlite3_bind_text64(insert, 1, jobs[i].id.data(), jobs[i].id.size(), SQLITE_STATIC, SQLITE_UTF8);
      sqlite3_bind_blob64(insert, 2, jobs[i].payload.data(), jobs[i].payload.size(), SQLITE_STATIC);
      RequireSqlite(database, sqlite3_step(insert));
      sqlite3_reset(insert);
    }
    run("COMMIT");
  }
  const double rate = PerSecond(count, start);
  sqlite3_finalize(insert);
  sqlite3_close(database);
  return rate;
}

NewBatch MakeBatch(JobKind kind) {
  NewBatch batch;
  batch.kind = kind;
  batch.spec = "spec";
  batch.as_of = absl::UnixEpoch();
  return batch;
}

// One upload in parts, each answered before the next is sent, as the server does it.
double AcceptUpload(BatchStore& store, int count) {
  std::vector<std::vector<NewJob>> parts;
  for (int first = 0; first < count; first += kJobsPerPart)
    parts.push_back(MakeJobs(first, std::min(kJobsPerPart, count - first)));
  const absl::Time start = absl::Now();
  const auto begun =
      AwaitStore<Batch>([&](auto done) { store.BeginUpload(MakeBatch(JobKind::kScreen), std::move(done)); });
  Require(begun.status());
  for (std::vector<NewJob>& part : parts) {
    Require(AwaitStore<void>(
        [&](auto done) { store.AppendJobs({"", begun->id}, std::move(part), std::move(done)); }));
  }
  Require(
      AwaitStore<Batch>([&](auto done) { store.SealUpload({"", begun->id}, "", std::move(done)); }).status());
  return PerSecond(count, start);
}

// Many small batches at once: they share commits.
double AcceptSmallBatches(BatchStore& store, int count) {
  std::vector<std::vector<NewJob>> batches;
  for (int first = 0; first + kJobsPerSmallBatch <= count; first += kJobsPerSmallBatch)
    batches.push_back(MakeJobs(0, kJobsPerSmallBatch));
  std::vector<Notification> accepted(batches.size());
  const absl::Time start = absl::Now();
  for (size_t i = 0; i < batches.size(); ++i) {
    store.CreateBatch(MakeBatch(JobKind::kEmbed), std::move(batches[i]), [&, i](absl::StatusOr<Batch> batch) {
      Require(batch.status());
      accepted[i].Notify();
    });
  }
  for (Notification& notification : accepted) notification.Wait();
  return PerSecond(static_cast<int>(batches.size()) * kJobsPerSmallBatch, start);
}

// One worker: claim, record, claim.
double ClaimAndRecord(BatchStore& store, int count) {
  const auto session =
      AwaitStore<SessionId>([&](auto done) { store.OpenSession(absl::Minutes(10), std::move(done)); });
  Require(session.status());
  const ClaimRequest request{.session = *session, .stages = {Stage::kEmbed}, .max_claims = kClaims};
  int recorded = 0;
  const absl::Time start = absl::Now();
  while (recorded < count) {
    const auto claims =
        AwaitStore<std::vector<Claimed>>([&](auto done) { store.Claim(request, std::move(done)); });
    Require(claims.status());
    if (claims->empty()) break;
    std::vector<LeasedStep> outcomes;
    for (const Claimed& claim : *claims) {
      NewOutcome outcome;
      outcome.result = std::string(kVerdictBytes, 'v');
      outcomes.push_back({claim.key(), std::move(outcome)});
    }
    const auto results = AwaitStore<std::vector<CommitResult>>(
        [&](auto done) { store.CommitSteps(std::move(outcomes), std::move(done)); });
    Require(results.status());
    recorded += static_cast<int>(std::count(results->begin(), results->end(), CommitResult::kCommitted));
  }
  const double rate = PerSecond(recorded, start);
  Require(AwaitStore<void>([&](auto done) { store.CloseSession(*session, std::move(done)); }));
  return rate;
}

double Median(std::vector<double> figures) {
  std::sort(figures.begin(), figures.end());
  return figures[figures.size() / 2];
}

int Run(int count, int rounds) {
  struct Figures {
    std::vector<double> bare, upload, upload_share, small, small_share, recorded;
  } figures;
  for (int round = 0; round < rounds; ++round) {
    const BenchmarkDirectory directory;
    auto store = OpenSqliteBatchStore({.path = directory.Path("batches.db")}, Clock::Real());
    Require(store.status());
    figures.bare.push_back(BareInsert(directory, count));
    figures.upload.push_back(AcceptUpload(**store, count));
    figures.upload_share.push_back(figures.upload.back() / figures.bare.back());
    figures.small.push_back(AcceptSmallBatches(**store, count));
    figures.small_share.push_back(figures.small.back() / figures.bare.back());
    figures.recorded.push_back(ClaimAndRecord(**store, count / kJobsPerSmallBatch * kJobsPerSmallBatch));
  }
  std::printf("%d jobs of %zu bytes, median of %d rounds\n", count, kPayloadBytes, rounds);
  std::printf("bare insert                 %8.0f rows/s\n", Median(figures.bare));
  std::printf("accepted, one upload        %8.0f jobs/s  %3.0f %% of bare\n", Median(figures.upload),
              Median(figures.upload_share) * 100);
  std::printf("accepted, batches of %d    %8.0f jobs/s  %3.0f %% of bare\n", kJobsPerSmallBatch,
              Median(figures.small), Median(figures.small_share) * 100);
  std::printf("claimed and recorded        %8.0f jobs/s\n", Median(figures.recorded));
  return 0;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  return sluice::Run(argc > 1 ? std::max(1000, std::atoi(argv[1])) : 20'000,
                     argc > 2 ? std::max(1, std::atoi(argv[2])) : 5);
}
