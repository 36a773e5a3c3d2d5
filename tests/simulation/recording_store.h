// RecordingStore: writes down what a BatchStore answers, at the moment when it answers it, which is after the
// commit.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/fakes/intercepted_batch_store.h"
#include "tests/simulation/world.h"

namespace sluice {

// Everything that is acknowledged, claimed, recorded, planned, cancelled, deleted or read goes to the world's
// history, whether or not the answer reaches its caller.
class RecordingStore final : public InterceptedBatchStore<RecordingStore> {
 public:
  // `dies_before_answer` may end the machine just before an answer leaves it.
  RecordingStore(BatchStore& store, World& world, std::function<bool()> dies_before_answer)
      : InterceptedBatchStore(store), world_(world), dies_before_answer_(std::move(dies_before_answer)) {}

  // The store's machine is dead: what it still answers nobody hears.
  void Cut() { cut_ = true; }

  void CreateBatch(NewBatch batch, std::vector<NewJob> jobs, Done<Batch> done) override;
  void BeginUpload(NewBatch batch, Done<Batch> done) override;
  void AppendJobs(BatchKey upload, std::vector<NewJob> jobs, Done<void> done) override;
  void SealUpload(BatchKey upload, std::string digest, Done<Batch> done) override;
  void GetBatch(BatchKey name, Done<Batch> done) override;
  void CancelBatch(BatchKey name, Done<Batch> done) override;
  void DeleteBatch(BatchKey name, Done<void> done) override;
  void ReadOutcomes(BatchKey name, int64_t after, int limit, Done<std::vector<Outcome>> done) override;
  void OpenSession(absl::Duration lease, Done<SessionId> done) override;
  void Heartbeat(SessionId session, absl::Duration lease, Done<HeartbeatReply> done) override;
  void CloseSession(SessionId session, Done<void> done) override;
  void Claim(ClaimRequest request, Done<std::vector<Claimed>> done) override;
  void CommitSteps(std::vector<LeasedStep> steps, Done<std::vector<CommitResult>> done) override;
  void ReturnClaims(std::vector<LeaseKey> leases, Done<void> done) override;
  void EndAttempts(std::vector<LeaseKey> leases, Done<void> done) override;
  void CommitPlan(LeaseKey task, std::string plan, Done<std::string> done) override;
  void Sweep(absl::Duration retention, absl::Duration age, Done<SweepReply> done) override;

 private:
  friend class InterceptedBatchStore<RecordingStore>;
  using Base = InterceptedBatchStore<RecordingStore>;

  template <typename Answer, typename Issue>
  void Intercept(const char*, absl::AnyInvocable<void(Answer) &&> done, Issue issue) {
    if (cut_) return;
    issue([this, done = std::move(done)](Answer answer) mutable {
      if (cut_ || dies_before_answer_()) return;
      std::move(done)(std::move(answer));
    });
  }

  void Record(history::Event event) { world_.history.push_back(std::move(event)); }
  int64_t NowUs(absl::Duration ahead = absl::ZeroDuration()) const;
  void NoteStep(const LeasedStep& leased, CommitResult result);
  void NoteRepeated(const Claimed& claim);
  Done<void> NotingReturned(const std::vector<LeaseKey>& leases, Done<void> done);
  void RecordAcknowledged(const Batch& batch, const std::string& request_id, const std::string& digest);

  World& world_;
  const std::function<bool()> dies_before_answer_;
  bool cut_ = false;
};

}  // namespace sluice
