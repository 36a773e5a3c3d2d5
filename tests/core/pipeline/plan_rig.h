// PlanRig: a plan task's lease among fakes, for the parts of the plan stage one by one: a store, a loop and
// workers that the test cranks on its own thread, in virtual time.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/pipeline/pipeline_context.h"
#include "gtest/gtest.h"
#include "tests/core/pipeline/recording_sink.h"
#include "tests/fakes/faulty_batch_store.h"
#include "tests/fakes/in_memory_batch_store.h"
#include "tests/fakes/line_codec.h"
#include "tests/fakes/manual_executor.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {

inline constexpr char kAnyScreenSpec[] = "rules_only 0 storage";
inline constexpr int64_t kPlenty = 64 << 20;  // bytes: all that a test's phase one says can be kept

// Reads at most so many jobs at once.
class SmallPages final : public InterceptedBatchStore<SmallPages> {
 public:
  SmallPages(BatchStore& store, int postings) : InterceptedBatchStore(store), postings_(postings) {}

  void ReadJobs(std::string batch_id, int64_t first_index, int limit,
                Done<std::vector<StoredJob>> done) override {
    store().ReadJobs(std::move(batch_id), first_index, std::min(limit, postings_), std::move(done));
  }

 private:
  friend class InterceptedBatchStore<SmallPages>;
  template <typename Answer, typename Issue>
  void Intercept(const char*, absl::AnyInvocable<void(Answer) &&> done, Issue issue) {
    issue(std::move(done));
  }

  const int postings_;
};

class PlanRig {
 public:
  struct Options {
    int workers = 1;
    int page_postings = 256;
  };

  explicit PlanRig(Options options) : pages_(store_, options.page_postings) {
    context_.options.phase_one_workers = options.workers;
    context_.parts.queue = &pages_;
    context_.loop = std::make_shared<PipelineLoop>(clock_, workers_, options.workers);
    context_.meters = std::make_unique<JobMeters>(nullptr);
    context_.sink = &sink_;
  }
  PlanRig() : PlanRig(Options()) {}
  ~PlanRig() {
    context_.loop->Close();
    workers_.RunAll();
    calls_.RunAll();
  }

  // A batch of these postings, and its plan task claimed.
  LeasePtr ClaimPlan(const std::string& spec, const std::vector<std::string>& payloads) {
    NewBatch batch{.kind = JobKind::kScreen, .spec = spec, .as_of = clock_.WallNow()};
    std::vector<NewJob> jobs;
    for (const std::string& payload : payloads) jobs.push_back({absl::StrCat("job-", jobs.size()), payload});
    const Batch made = *Call<Batch>([&](auto done) { plain_.CreateBatch(batch, jobs, std::move(done)); });
    session_ = *Call<SessionId>([&](auto done) { plain_.OpenSession(absl::Hours(2), std::move(done)); });
    auto lease = std::make_shared<Lease>();
    lease->claim = ClaimAll(Stage::kPlan).at(0);
    lease->session = session_;
    EXPECT_EQ(lease->claim.batch_id, made.id);
    return lease;
  }
  std::vector<Claimed> ClaimAll(Stage stage) {
    return *Call<std::vector<Claimed>>([&](auto done) {
      plain_.Claim({.session = session_, .stages = {stage}, .max_claims = 4096}, std::move(done));
    });
  }
  Batch Get(const LeasePtr& lease) {
    return *Call<Batch>([&](auto done) { plain_.GetBatch({"", lease->claim.batch_id}, std::move(done)); });
  }
  // By job index: kind, reason and result.
  std::vector<std::string> Recorded(const LeasePtr& lease) {
    std::vector<std::string> recorded(static_cast<size_t>(Get(lease).counts.jobs));
    for (int64_t after = 0, read = 1; read > 0; after += read) {
      const auto page = *Call<std::vector<Outcome>>(
          [&](auto done) { plain_.ReadOutcomes({"", lease->claim.batch_id}, after, 256, std::move(done)); });
      for (const Outcome& outcome : page) {
        recorded[static_cast<size_t>(outcome.job_index)] =
            absl::StrCat(OutcomeKindName(outcome.kind), " ", outcome.error_reason, " ", outcome.result);
      }
      read = static_cast<int64_t>(page.size());
    }
    return recorded;
  }

  // Until nothing goes on without the clock.
  void Settle() {
    for (int idle = 0; idle < 3;) {  // a turn may leave something for the next
      context_.loop->Turn();
      idle = calls_.RunAll() + workers_.RunAll() > 0 ? 0 : idle + 1;
    }
  }
  void Wait(absl::Duration time) {
    clock_.Advance(time);
    Settle();
  }
  void Stop(const LeasePtr& lease, StopReason reason) {
    lease->stop = reason;
    lease->cancellation.Cancel();
  }

  SimulatedClock clock_;
  ManualExecutor calls_{1 << 20};
  ManualExecutor workers_;
  LineCodec codec_;
  InMemoryBatchStore plain_{{.executor = &calls_}, clock_};
  FaultyBatchStore store_{plain_};
  SmallPages pages_;
  RecordingSink sink_;
  PipelineContext context_;

 private:
  template <typename T, typename Issue>
  absl::StatusOr<T> Call(Issue issue) {
    absl::StatusOr<T> answer = absl::UnknownError("not answered");
    issue(Done<T>([&answer](absl::StatusOr<T> given) { answer = std::move(given); }));
    calls_.RunAll();
    return answer;
  }

  SessionId session_ = 0;
};

}  // namespace sluice
