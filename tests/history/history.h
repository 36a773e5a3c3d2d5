// History: what clients, workers and the store did, in the order in which it became true.
//
// The simulation writes it as it goes, tests with real processes append it to a file: one JSON object a line,
// its first member the event's name, so that a process that dies loses at most its last line:
//
//   {"event":"acknowledged","batch":"0001…","tenant":"","kind":"embed","jobs":3,"request_id":"r1","digest":"d"}
//   {"event":"outcome","batch":"0001…","sequence":1,"job":2,"kind":"SUCCEEDED","attempt":1,"result":"…"}
//
// A history need not hold every event that there was: an observer writes what it saw. Order matters: an event
// stands after everything that had been committed when it was observed.
#pragma once

#include <cstdint>
#include <istream>
#include <ostream>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"

namespace sluice::history {

// What the server was configured to keep. Before what it bounds; the last one holds.
struct Limits {
  int64_t max_attempts = 3;
  int64_t tenant_jobs = 0;  // unfinished jobs a tenant may have; 0: no bound
};

// --- what clients were told

struct Acknowledged {  // CreateBatch or SealUpload answered OK
  std::string batch;
  std::string tenant;
  std::string kind;  // "screen", "embed"
  int64_t jobs = 0;
  std::string request_id;  // "" for none
  std::string digest;      // of the request's content
};
struct Cancelled {  // CancelBatch answered OK, and the batch had not finished before
  std::string batch;
};
struct DeleteAsked {  // DeleteBatch was called: the batch may be gone from here on, whatever the answer
  std::string batch;
};
struct DeleteRefused {  // DeleteBatch answered that it did nothing: FAILED_PRECONDITION or NOT_FOUND
  std::string batch;
};
struct Deleted {  // DeleteBatch answered OK: it is gone
  std::string batch;
};
struct Missing {  // a read of the batch answered NOT_FOUND
  std::string batch;
};
struct BatchSeen {  // GetBatch
  std::string batch;
  bool terminal = false;
  int64_t jobs = 0;
  int64_t succeeded = 0;
  int64_t failed = 0;
  int64_t cancelled = 0;
  int64_t expired = 0;
  int64_t last_sequence = 0;
  std::string plan;  // "" for none, or not looked at
};
struct OutcomeSeen {  // ReadOutcomes or StreamResults; a reader starts at 1 or where it left off
  std::string batch;
  int64_t sequence = 0;
  int64_t job = 0;
  std::string kind;  // "SUCCEEDED", …
  int64_t attempt = 0;
  std::string reason;  // of a failure
  std::string result;  // itself or a digest of it
};

// --- what workers were told

struct SessionOpened {
  int64_t session = 0;
  int64_t until_us = 0;  // on the store's monotonic clock, as every time here
};
struct SessionRenewed {
  int64_t session = 0;
  int64_t at_us = 0;
  int64_t until_us = 0;
};
struct SessionClosed {
  int64_t session = 0;
};
struct Claimed {
  std::string batch;
  int64_t job = 0;    // its slot: a job's index, or where the jobs end and beyond for a task
  std::string stage;  // its name
  int64_t session = 0;
  int64_t fence = 0;
  int64_t attempt = 0;
  int64_t at_us = 0;
};
struct Returned {  // ReturnClaims or EndAttempts
  std::string batch;
  int64_t job = 0;
  int64_t fence = 0;
};
struct Recorded {  // CommitSteps answered that a job's outcome is committed
  std::string batch;
  int64_t job = 0;
  int64_t fence = 0;
  std::string kind;
};
struct Stepped {  // CommitSteps answered that another step is committed
  std::string batch;
  int64_t job = 0;  // its slot
  int64_t fence = 0;
  std::string step;  // "advance", "fan_out", "task" for the end of one
};
struct PlanCommitted {  // the plan that CommitPlan answered, whoever had offered it
  std::string batch;
  std::string plan;
};

// --- what the observer knows besides

// The jobs that the committed plan lets go on, computed from the plan and the postings alone.
struct Survivors {
  std::string batch;
  std::vector<int64_t> jobs;
};
// Where the jobs of a batch are ("": of all open batches) at one moment.
struct Places {
  std::string batch;
  int64_t jobs = 0;
  int64_t waiting_or_ready = 0;
  int64_t leased = 0;
  int64_t done = 0;
};
// A process was started on a store that an earlier one had used.
struct Restarted {
  bool died = false;           // the earlier one, rather than ended of its own accord
  int64_t leased = 0;          // of the tasks that were no suspects, when the earlier one was gone
  int64_t suspects = 0;        // then
  int64_t suspects_after = 0;  // once the store was opened
};
// The faults have stopped and there was time enough to finish everything: from here on, what was acknowledged
// and not deleted is read once more, in full.
struct Settled {};

using Event = std::variant<Limits, Acknowledged, Cancelled, DeleteAsked, DeleteRefused, Deleted, Missing,
                           BatchSeen, OutcomeSeen, SessionOpened, SessionRenewed, SessionClosed, Claimed,
                           Returned, Recorded, Stepped, PlanCommitted, Survivors, Places, Restarted, Settled>;

using History = std::vector<Event>;

// One line of JSON without its end.
std::string ToLine(const Event& event);
// INVALID_ARGUMENT: not JSON, an unknown event, a member missing or of another type.
absl::StatusOr<Event> FromLine(const std::string& line);

void Write(const History& history, std::ostream& out);
// Empty lines are skipped, and a last line that was cut, as a killed writer leaves it. INVALID_ARGUMENT names
// the line.
absl::StatusOr<History> Read(std::istream& in);

}  // namespace sluice::history
