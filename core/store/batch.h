// What a BatchStore keeps and hands out, as plain values: batches, their jobs, claims on them and outcomes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace sluice {

enum class JobKind { kScreen = 1, kEmbed = 2 };
const char* JobKindName(JobKind kind);  // "screen", "embed"

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

enum class OutcomeKind { kSucceeded = 1, kFailed = 2, kCancelled = 3, kExpired = 4 };
const char* OutcomeKindName(OutcomeKind kind);  // "SUCCEEDED", …

enum class Stage { kPlan = 1, kScore = 2, kEmbed = 3 };
const char* StageName(Stage stage);  // "screen_plan", "screen_score", "embed"

inline constexpr int64_t kPlanTask = -1;

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

struct Claimed {
  std::string batch_id;
  JobKind kind = JobKind::kScreen;
  Stage stage = Stage::kScore;
  int64_t job_index = 0;  // kPlanTask for a plan task, whose id and payload are empty
  std::string job_id;
  std::string payload;
  int attempt = 1;  // 1 for the first
  Fence fence = 0;
};

struct ClaimRequest {
  SessionId session = 0;
  std::vector<Stage> stages;                  // any of these
  std::vector<Stage> serves;                  // what the worker takes in other calls; {}: the same
  int max_claims = 1;                         // 1..4096
  int64_t max_payload_bytes = 4 << 20;        // stops before exceeding it, but always takes one
  absl::Duration run_for = absl::Minutes(5);  // hard cap of the attempt, renewed session or not
};

struct LeaseKey {
  std::string batch_id;
  int64_t job_index = 0;
  Fence fence = 0;
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

struct LeasedOutcome {
  LeaseKey lease;  // lease.job_index is the outcome's job; outcome.job_index is ignored
  NewOutcome outcome;
};

enum class CommitResult {
  kRecorded,
  kFenced,  // the lease is another's or gone: discard the result
};

struct Outcome {
  int64_t sequence = 0;
  int64_t job_index = 0;
  std::string job_id;
  OutcomeKind kind = OutcomeKind::kSucceeded;
  double score = 0;
  int attempt = 0;  // 0 when the job never started
  std::string result;
  absl::StatusCode error_code = absl::StatusCode::kOk;  // these three as in NewOutcome
  std::string error_reason;
  std::string error_message;
};

struct PlannedJob {
  int64_t job_index = 0;
  int priority = 0;  // lower is claimed first inside the batch; the rank of phase one
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

struct StoreStats {
  int64_t ready_jobs[2] = {0, 0};  // by JobKind - 1: ready or waiting for their plan
  int64_t leased_jobs[2] = {0, 0};
  // Of ready_jobs[0]: survivors of an applied plan, which only a model can go on with.
  int64_t model_jobs = 0;
  std::map<std::string, int64_t> tenant_jobs;  // not done, of the tenants that have some
  int64_t open_batches = 0;                    // not terminal
  int64_t file_bytes = 0;
  int64_t free_disk_bytes = 0;

  int64_t queued_jobs() const;  // not done
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
