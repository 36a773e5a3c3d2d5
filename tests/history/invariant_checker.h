// InvariantChecker: holds a history (tests/history/history.h) to what Sluice promises. Pure; the simulation
// and the tests with real processes share it.
//
//   I1   no acknowledged batch is lost: it is found until it is deleted, and once settled every job of it is
//   done I2   a job has one outcome, which never changes I3   a batch's counts are those of its outcomes and
//   never shrink; it is terminal exactly when all jobs are
//        done
//   I4   no outcome and no other step is committed under a fence that is no longer the job's or the task's
//   I5   no job is attempted more often than allowed, and an outcome names the attempt that made it
//   I6   one batch a request_id, and one content
//   I7   no job of a batch starts after its cancel's commit
//   I8   a fence is given out once
//   I9   a tenant has no more unfinished jobs than its quota
//   I10  every job is in one place: waiting, ready, leased or done
//   I11  a committed plan never changes
//   I12  sequence numbers have no gap and appear in the order of commits
//   I13  the jobs that get a model's verdict are exactly those that the plan lets go on
//   I14  a session that was not renewed in time, or was closed, claims and renews nothing any more
//   I16  only a death makes suspects, and only of what was leased at that moment
// The simulation holds results to I15 (they are what was sent makes) and I18 (a job goes on once each of its
// tasks has ended).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "tests/history/history.h"

namespace sluice::history {

struct Violation {
  std::string invariant;  // "I4"
  size_t event = 0;       // its number in the history, from 1; one past the last for what the end shows
  std::string what;       // with the batch, the job, and what stood against what
};

class InvariantChecker {
 public:
  // Each event of the history, in order.
  void Observe(const Event& event);
  // The history is complete: checks what only its whole can show. Once, at the end.
  void Finish();

  const std::vector<Violation>& violations() const { return violations_; }

 private:
  struct JobKnown {
    std::optional<OutcomeSeen> outcome;
    int64_t fence = 0;         // the newest claim's; 0 before the first
    bool lease_ended = false;  // returned, or its session was closed
    bool scored = false;       // claimed for the model
    int64_t recorded_fence = 0;
    int64_t recorded_attempt = 0;  // 0: its claim was not seen
  };
  struct BatchKnown {
    std::optional<Acknowledged> acknowledged;
    std::optional<BatchSeen> seen;
    bool settled_seen = false;  // read since Settled
    bool cancelled = false;
    int deletes_asked = 0;  // and not refused
    bool deleted = false;
    std::string plan;
    std::optional<std::set<int64_t>> survivors;
    std::map<int64_t, JobKnown> jobs;      // by slot
    int64_t last_sequence = 0;             // the highest that was read
    std::map<std::string, int64_t> kinds;  // of the outcomes read
    bool MayBeGone() const { return deleted || deletes_asked > 0; }
  };
  struct SessionKnown {
    int64_t until_us = 0;
    bool closed = false;
  };
  struct FenceKnown {
    int64_t session = 0;
    int64_t attempt = 0;
    std::string job;  // for people
  };

  void On(const Limits& limits) { limits_ = limits; }
  void On(const Acknowledged& batch);
  void On(const Cancelled& cancel) { batches_[cancel.batch].cancelled = true; }
  void On(const DeleteAsked& asked) { ++batches_[asked.batch].deletes_asked; }
  void On(const DeleteRefused& refused) { --batches_[refused.batch].deletes_asked; }
  void On(const Deleted& deleted);
  void On(const Missing& missing);
  void On(const BatchSeen& batch);
  void On(const OutcomeSeen& outcome);
  void On(const SessionOpened& session) { sessions_[session.session] = {session.until_us, false}; }
  void On(const SessionRenewed& renewed);
  void On(const SessionClosed& closed);
  void On(const Claimed& claim);
  void On(const Returned& returned);
  void On(const Recorded& recorded);
  void On(const Stepped& step);
  void On(const PlanCommitted& plan);
  void On(const Survivors& survivors);
  void On(const Places& places);
  void On(const Restarted& restarted);
  void On(const Settled&) { settled_ = true; }

  // I4: whether the job, or task, may still be ended under this fence.
  void CheckFence(const JobKnown& job, const std::string& name, int64_t fence, const std::string& act);
  void CheckRequest(const Acknowledged& batch);
  void CheckQuota(const std::string& tenant);
  void CheckShape(const BatchSeen& batch);
  void CheckSession(int64_t session, int64_t at_us, const std::string& act);
  void CheckPlan(const std::string& batch, BatchKnown& known, const std::string& plan);
  void CheckSurvivor(const std::string& id, const BatchKnown& batch, int64_t index);
  void CheckFinished(const std::string& id, const BatchKnown& batch);
  template <typename... Parts>
  void Violate(const char* invariant, const Parts&... parts);

  Limits limits_{.max_attempts = INT64_MAX, .tenant_jobs = 0};
  std::map<std::string, BatchKnown> batches_;
  // (tenant, request_id) → (batch, digest)
  std::map<std::pair<std::string, std::string>, std::pair<std::string, std::string>> requests_;
  std::map<int64_t, SessionKnown> sessions_;
  std::map<int64_t, FenceKnown> fences_;
  std::map<int64_t, std::set<std::pair<std::string, int64_t>>> session_claims_;
  bool settled_ = false;
  size_t events_ = 0;
  std::vector<Violation> violations_;
};

// The whole of a history at once.
std::vector<Violation> Check(absl::Span<const Event> history);

// "I4 at event 12: …", a line each.
std::string Describe(const std::vector<Violation>& violations);

}  // namespace sluice::history
