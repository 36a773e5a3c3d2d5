// What a BatchStore keeps and hands out, as plain values: batches, their jobs, claims on them and outcomes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/store/stage.h"

namespace sluice {

// Stored: a number is never changed, nor used again.
enum class BatchState {
  kUploading = 1,  // jobs are still arriving; invisible to Claim and to ListBatches
  kPending = 2,    // sealed, nothing claimed yet
  kRunning = 3,
  kCancelling = 4,           // no job starts any more; leased ones may still finish
  kSucceeded = 5,            // terminal from here on: every job SUCCEEDED
  kCompletedWithErrors = 6,  // some FAILED
  kFailed = 7,               // none SUCCEEDED
  kCancelled = 8,
  kExpired = 9,
};
bool IsTerminal(BatchState state);

// Stored, like BatchState.
enum class OutcomeKind { kSucceeded = 1, kFailed = 2, kCancelled = 3, kExpired = 4 };
const char* OutcomeKindName(OutcomeKind kind);  // "SUCCEEDED", …

using SessionId = int64_t;  // never reused
using Fence = int64_t;      // never reused

// A batch as a client names it.
struct BatchKey {
  std::string tenant;  // "" is the default tenant
  std::string id;
};

struct NewJob {
  std::string id;       // the client's, unique in the batch, 1..256 bytes
  std::string payload;  // opaque here
};

struct NewBatch {
  std::string tenant;  // "" is the default tenant
  JobKind kind = JobKind::kScreen;
  std::string spec;        // opaque: profile, gate, options
  std::string request_id;  // "" for none; unique per tenant
  std::string digest;      // of the request's content, compared when request_id comes again
  absl::Time as_of;
  absl::Duration expires_after = absl::Hours(24);  // of creation
  int priority = 0;  // lower goes first among batches, equal ones in order of creation
};

struct BatchCounts {
  int64_t jobs = 0;
  int64_t succeeded = 0;
  int64_t failed = 0;
  int64_t cancelled = 0;
  int64_t expired = 0;
  int64_t done() const { return succeeded + failed + cancelled + expired; }
  bool operator==(const BatchCounts&) const = default;
};

struct Batch {
  std::string id;  // the store makes it: 20 characters of [0-9a-v], in order of creation
  std::string tenant;
  JobKind kind = JobKind::kScreen;
  BatchState state = BatchState::kPending;
  BatchCounts counts;
  std::string spec;
  std::string plan;  // "" until committed; never changes after
  bool plan_applied = false;
  absl::Time as_of;
  absl::Time create_time;
  absl::Time expire_time;
  absl::Time end_time = absl::InfiniteFuture();  // until terminal
  int64_t last_sequence = 0;
  int priority = 0;
};

struct StoredJob {
  int64_t index = 0;  // order of submission, from 0
  std::string id;
  std::string payload;
};

// What names a lease to the store. The fence alone tells it from every other lease.
struct LeaseKey {
  std::string batch_id;
  int64_t slot = 0;  // as in Claimed
  Fence fence = 0;
};

// A leased job, or a leased task of a job or of a batch.
struct Claimed {
  std::string batch_id;
  JobKind kind = JobKind::kScreen;
  Stage stage = Stage::kScore;
  StageScope scope = StageScope::kJob;  // the stage's
  // Of all the batch's work: a job's index, or where its jobs end and beyond for a task.
  int64_t slot = 0;
  int64_t job_index = -1;  // the job's, or that of the job whose task it is; -1 for a task of the batch
  int task = -1;           // which of the job's tasks, from 0; -1 for what is none
  std::string job_id;      // "" for a task of the batch
  std::string payload;     // the job's, or the task's own
  std::string artifact;    // what the job's last stage made of it; "" in its first, and for a task
  int attempt = 1;         // 1 for the first
  bool alone = false;  // it is suspect: nothing else is claimed until it ends, so it must wait for nothing
  Fence fence = 0;

  LeaseKey key() const { return {batch_id, slot, fence}; }
};

struct ClaimRequest {
  SessionId session = 0;
  std::vector<Stage> stages;            // any of these
  std::vector<Stage> serves;            // what the worker takes in other calls; {}: the same
  int max_claims = 1;                   // 1..4096
  int64_t max_payload_bytes = 4 << 20;  // with artifacts; stops before exceeding it, but always takes one
};

struct NewOutcome {
  int64_t job_index = 0;
  OutcomeKind kind = OutcomeKind::kSucceeded;
  double score = 0;    // ListResults order, higher first
  std::string result;  // opaque; a verdict or a vector
  // Of a kFailed outcome, and only of one: its code (never OK), UPPER_SNAKE_CASE, and a sentence for people.
  absl::StatusCode error_code = absl::StatusCode::kOk;
  std::string error_reason;
  std::string error_message;
};

// The job goes on to a later stage of its kind, of scope kJob, with what it made so far.
struct Advance {
  Stage next = Stage::kScore;
  std::string artifact;  // at most kMaxArtifactBytes: large results live in stores of their own
};

// The job waits for tasks. The last one that ends, however it does, readies the job for `next`.
struct FanOut {
  Stage stage = Stage::kScore;     // of the tasks: of the job's kind, of scope kTask
  std::vector<std::string> tasks;  // their payloads: 1..kMaxTasks of at most kMaxTaskBytes each
  Stage next = Stage::kScore;      // as in Advance, or the job's own stage
  std::string artifact;            // as in Advance
};

// How a lease ends by its own work. A task of a job ends with an outcome alone, whose score is ignored and
// whose result has at most kMaxTaskBytes; a task of the batch ends by FinishPlan.
using Step = std::variant<NewOutcome, Advance, FanOut>;

struct LeasedStep {
  LeaseKey lease;
  Step step;  // NewOutcome::job_index is ignored
};

enum class CommitResult {
  kCommitted,
  kFenced,  // the lease is another's or gone: discard the result
};

// How a task of a job ended.
struct TaskEnd {
  int task = 0;
  OutcomeKind kind = OutcomeKind::kSucceeded;
  int attempt = 0;
  std::string result;                                   // as the task's NewOutcome had it
  absl::StatusCode error_code = absl::StatusCode::kOk;  // these three as in NewOutcome
  std::string error_reason;
  std::string error_message;
};

struct Outcome {
  int64_t sequence = 0;
  int64_t job_index = 0;
  std::string job_id;
  OutcomeKind kind = OutcomeKind::kSucceeded;
  double score = 0;
  int attempt = 0;  // of the stage that it ended in; 0 when that never started
  std::string result;
  absl::StatusCode error_code = absl::StatusCode::kOk;  // these three as in NewOutcome
  std::string error_reason;
  std::string error_message;
};

struct PlannedJob {
  int64_t job_index = 0;
  int priority = 0;             // lower is claimed first inside the batch; the rank of phase one
  Stage stage = Stage::kScore;  // of the batch's kind, of scope kJob
};

struct HeartbeatReply {
  std::vector<std::string> cancelled_batches;  // with leases of this session
  std::vector<LeaseKey> leases;                // all of this session, so that it can tell those it never got
};

struct BatchPage {
  std::vector<Batch> batches;   // newest first; spec and plan are left empty
  std::string next_page_token;  // "" on the last page
};

struct RankedPage {
  std::vector<Outcome> outcomes;
  int64_t first_rank = 1;
  std::string next_page_token;
};

// Of the open batches of one kind.
struct KindStats {
  int64_t ready_jobs = 0;  // or waiting, for their plan or their tasks
  int64_t leased_jobs = 0;
  // Of ready_jobs, those whose batch's plan is applied: survivors, which wait for what their stage needs.
  int64_t planned_jobs = 0;
};

struct StoreStats {
  std::map<JobKind, KindStats> kinds;          // of which there are open batches
  std::map<std::string, int64_t> tenant_jobs;  // not done, of the tenants that have some
  int64_t open_batches = 0;                    // not terminal
  int64_t file_bytes = 0;
  int64_t free_disk_bytes = 0;

  int64_t queued_jobs() const;   // not done
  int64_t planned_jobs() const;  // KindStats::planned_jobs of all kinds
  int64_t unrated_jobs() const;  // of queued_jobs, those of kinds that no rate is of (KindRow::in_rate)
};

struct SweepReply {
  int dead_sessions = 0;
  int64_t requeued = 0;
  int64_t exhausted = 0;
  int64_t expired_batches = 0;
  int64_t purged_batches = 0;
  int64_t abandoned_uploads = 0;
};

}  // namespace sluice
