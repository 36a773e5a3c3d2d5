// StoreInvariants: what must hold of a store after every step, whatever crashed. A test tells it what it was
// answered; Check reads the store through its API and compares.
//
//   I1   no acknowledged batch is lost
//   I2   one outcome a job, which never changes
//   I3   counts equal outcomes and never shrink
//   I4   a fenced commit left no trace
//   I5   no attempt beyond the stage's attempts
//   I6   one batch a request_id
//   I7   nothing of a batch is claimed after its cancel was answered
//   I8   no fence is handed out twice
//   I9   sequence numbers run from 1 without gaps
//   I10  waiting + ready + leased + done = jobs (CheckFile)
//   I18  a job goes on once all its tasks have ended (CheckFile)
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/contract/awaited_store.h"

namespace sluice {

class StoreInvariants {
 public:
  explicit StoreInvariants(int max_attempts) : max_attempts_(max_attempts) {}

  void Created(const Batch& batch, const std::string& request_id) {
    if (!request_id.empty()) {
      const auto [known, fresh] = requests_.emplace(request_id, batch.id);
      EXPECT_EQ(known->second, batch.id) << "I6: request " << request_id << " made two batches";
      if (!fresh) return;
    }
    batches_[batch.id].jobs = batch.counts.jobs;
  }
  void Claimed(const std::vector<Claimed>& claims) {
    for (const auto& claim : claims) {
      EXPECT_TRUE(fences_.insert(claim.fence).second)
          << "I8: fence " << claim.fence << " was handed out twice";
      EXPECT_LE(claim.attempt, max_attempts_) << "I5: " << claim.job_id;
      EXPECT_FALSE(batches_[claim.batch_id].cancelled) << "I7: " << claim.batch_id;
    }
  }
  void Committed(const LeasedStep& leased, CommitResult result) {
    const auto known = batches_.find(leased.lease.batch_id);
    if (known == batches_.end()) {
      EXPECT_EQ(result, CommitResult::kFenced) << "I4: a commit into a deleted batch";
      return;
    }
    Known& batch = known->second;
    // Other steps, and what a task records, show in no outcome.
    const bool of_job = leased.lease.slot < batch.jobs;
    if (!of_job || !std::holds_alternative<NewOutcome>(leased.step)) return;
    if (result == CommitResult::kCommitted) {
      EXPECT_TRUE(batch.recorded.emplace(leased.lease.slot, OutcomeIn(leased).result).second)
          << "I2: job " << leased.lease.slot << " was recorded twice";
    } else {
      batch.fenced.insert(OutcomeIn(leased).result);
    }
  }
  void Cancelled(const std::string& batch_id) { batches_[batch_id].cancelled = true; }
  void Deleted(const std::string& batch_id) {
    batches_.erase(batch_id);
    std::erase_if(requests_, [&](const auto& request) { return request.second == batch_id; });
  }

  void Check(AwaitedStore& store) {
    for (auto& [id, known] : batches_) CheckBatch(store, id, known);
  }

 private:
  struct Known {
    int64_t jobs = 0;
    bool cancelled = false;
    std::map<int64_t, std::string> recorded;  // by job index: the result whose commit was acknowledged
    std::set<std::string> fenced;             // results that must not show up
    std::vector<Outcome> outcomes;            // as last read
  };

  static std::vector<Outcome> ReadAll(AwaitedStore& store, const std::string& id) {
    std::vector<Outcome> all;
    for (;;) {
      const auto page = store.Outcomes(id, static_cast<int64_t>(all.size()), 64);
      if (!page.ok() || page->empty()) return all;
      all.insert(all.end(), page->begin(), page->end());
    }
  }

  static BatchCounts CountsOf(const std::vector<Outcome>& outcomes, int64_t jobs) {
    BatchCounts counts{.jobs = jobs};
    for (const Outcome& outcome : outcomes) {
      counts.succeeded += outcome.kind == OutcomeKind::kSucceeded;
      counts.failed += outcome.kind == OutcomeKind::kFailed;
      counts.cancelled += outcome.kind == OutcomeKind::kCancelled;
      counts.expired += outcome.kind == OutcomeKind::kExpired;
    }
    return counts;
  }

  void CheckBatch(AwaitedStore& store, const std::string& id, Known& known) {
    const absl::StatusOr<Batch> batch = store.Get(id);
    ASSERT_TRUE(batch.ok()) << "I1: " << batch.status();
    std::vector<Outcome> outcomes = ReadAll(store, id);
    EXPECT_EQ(batch->counts, CountsOf(outcomes, known.jobs)) << "I3";
    EXPECT_EQ(IsTerminal(batch->state), batch->counts.done() == known.jobs) << "I3";
    EXPECT_EQ(batch->last_sequence, static_cast<int64_t>(outcomes.size())) << "I9";
    ASSERT_GE(outcomes.size(), known.outcomes.size()) << "I3: outcomes were lost";
    std::set<int64_t> jobs;
    for (size_t i = 0; i < outcomes.size(); ++i) {
      const Outcome& outcome = outcomes[i];
      EXPECT_EQ(outcome.sequence, static_cast<int64_t>(i) + 1) << "I9";
      EXPECT_TRUE(jobs.insert(outcome.job_index).second) << "I2: two outcomes of job " << outcome.job_index;
      EXPECT_LE(outcome.attempt, max_attempts_) << "I5";
      const bool same = i >= known.outcomes.size() || Same(outcome, known.outcomes[i]);
      EXPECT_TRUE(same) << "I2: outcome " << i << " changed";
      EXPECT_FALSE(known.fenced.contains(outcome.result)) << "I4: " << outcome.result;
    }
    for (const auto& [job, result] : known.recorded)
      EXPECT_TRUE(jobs.contains(job)) << "I1: outcome of " << job;
    known.outcomes = std::move(outcomes);
  }

  static bool Same(const Outcome& a, const Outcome& b) {
    return a.sequence == b.sequence && a.job_index == b.job_index && a.job_id == b.job_id &&
           a.kind == b.kind && a.score == b.score && a.attempt == b.attempt && a.result == b.result &&
           a.error_code == b.error_code && a.error_reason == b.error_reason;
  }

  const int max_attempts_;
  std::map<std::string, Known> batches_;
  std::map<std::string, std::string> requests_;
  std::set<Fence> fences_;
};

}  // namespace sluice
