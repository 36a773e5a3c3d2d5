// PipelineRig: a pipeline among fakes, in virtual time, with a replica that can be held.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "core/base/thread.h"
#include "core/base/thread_pool.h"
#include "core/batching/micro_batch_scheduler.h"
#include "core/inference/caching_scheduler.h"
#include "core/metrics/service_metrics.h"
#include "core/pipeline/pipeline.h"
#include "core/store/await.h"
#include "gtest/gtest.h"
#include "tests/fakes/faulty_batch_store.h"
#include "tests/fakes/in_memory_batch_store.h"
#include "tests/fakes/in_memory_embedding_cache.h"
#include "tests/fakes/line_codec.h"
#include "tests/fakes/simulated_clock.h"
#include "tests/fakes/word_tokenizer.h"

namespace sluice {

// The vector that HoldableReplica gives a sequence: how often each of its ids falls into one of 8 slots, at
// length 1.
inline std::vector<float> VectorOf(const std::vector<int32_t>& tokens) {
  std::vector<float> vector(8, 0.0f);
  for (int32_t token : tokens) vector[token % 8] += 1.0f;
  double square = 0;
  for (float value : vector) square += value * value;
  for (float& value : vector) value = static_cast<float>(value / std::sqrt(square));
  return vector;
}

// A thread that encodes what the scheduler forms; held, it stands inside a micro-batch. Texts with `poison`
// among their tokens fail with INTERNAL.
class HoldableReplica {
 public:
  explicit HoldableReplica(MicroBatchScheduler& scheduler, bool held = false)
      : scheduler_(scheduler), held_(held), thread_("replica", [this] { Run(); }) {}
  ~HoldableReplica() {
    Release();
    scheduler_.Close();
  }

  void Hold() { SetHeld(true); }
  void Release() { SetHeld(false); }
  void Poison(int32_t token) {
    MutexLock lock(mutex_);
    poison_ = token;
  }
  int64_t encoded() const {
    MutexLock lock(mutex_);
    return encoded_;
  }
  // Works in micro-batches that were formed, encoded or not.
  int64_t taken() const {
    MutexLock lock(mutex_);
    return taken_;
  }

 private:
  void SetHeld(bool held) {
    MutexLock lock(mutex_);
    held_ = held;
    changed_.NotifyAll();
  }
  void Run() {
    while (true) {
      std::optional<MicroBatch> batch = scheduler_.NextBatch({.max_tokens = 64, .max_jobs = 4});
      if (!batch) return;
      {
        MutexLock lock(mutex_);
        taken_ += static_cast<int64_t>(batch->works.size());
      }
      for (EncodeWork& work : batch->works) Answer(work);
    }
  }
  void Answer(EncodeWork& work) {
    bool poisoned;
    {
      MutexLock lock(mutex_);
      while (held_) changed_.Wait(mutex_);
      ++encoded_;
      poisoned = std::count(work.tokens.begin(), work.tokens.end(), poison_) > 0;
    }
    if (poisoned) return std::move(work.done)(absl::InternalError("not finite"));
    std::move(work.done)(VectorOf(work.tokens));
  }

  MicroBatchScheduler& scheduler_;
  mutable Mutex mutex_;
  CondVar changed_;
  bool held_ ABSL_GUARDED_BY(mutex_);
  int32_t poison_ ABSL_GUARDED_BY(mutex_) = -1;
  int64_t encoded_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t taken_ ABSL_GUARDED_BY(mutex_) = 0;
  Thread thread_;
};

class PipelineRig final : public StoreListener {
 public:
  struct Options {
    int executor_threads = 2;
    bool has_model = true;
    bool replica_held = false;
    PipelineOptions pipeline = {};
    ServiceMetrics* metrics = nullptr;
    bool caches = false;  // equal texts are encoded once
  };

  explicit PipelineRig(Options options) : options_(std::move(options)), plain_({}, clock_), store_(plain_) {
    UseModel(options_.has_model);
    executor_ = *ThreadPool::Create({.name = "executor", .num_threads = options_.executor_threads});
    scheduler_ = *MicroBatchScheduler::Create({}, clock_, nullptr);
    if (options_.caches) {
      caching_ = MakeCachingScheduler({}, *scheduler_, cache_, cache_metrics_.embedding_cache());
    }
    replica_ = std::make_unique<HoldableReplica>(*scheduler_, options_.replica_held);
    plain_.SetListener(this);
  }
  ~PipelineRig() override {
    StopPipeline();
    plain_.SetListener(nullptr);
    replica_.reset();
  }

  // Of the next pipeline.
  void UseModel(bool has_model) {
    options_.has_model = has_model;
    options_.pipeline.max_tokens = has_model ? 16 : 0;
    options_.pipeline.model_digest = has_model ? "model-1" : "";
  }
  void StartPipeline() {
    PipelineParts parts;
    parts.queue = &store_;
    parts.upkeep = &store_;
    parts.screen_codec = &codec_;
    parts.embed_codec = &codec_;
    if (options_.has_model) parts.scheduler = options_.caches ? caching_.get() : scheduler_.get();
    parts.tokenizer = options_.has_model ? &tokenizer_ : nullptr;
    parts.executor = executor_.get();
    parts.clock = &clock_;
    parts.metrics = options_.metrics;
    auto pipeline = Pipeline::Create(options_.pipeline, parts);
    ASSERT_TRUE(pipeline.ok()) << pipeline.status();
    MutexLock lock(mutex_);
    pipeline_ = *std::move(pipeline);
  }
  // As a crash of the process: nothing is returned, the session is left to die.
  void StopPipeline() {
    std::unique_ptr<Pipeline> stopped;
    {
      MutexLock lock(mutex_);
      stopped.swap(pipeline_);
    }
    stopped.reset();
  }

  std::string Create(JobKind kind, std::string spec, const std::vector<std::string>& payloads,
                     std::string tenant = "") {
    NewBatch batch{
        .tenant = std::move(tenant), .kind = kind, .spec = std::move(spec), .as_of = clock_.WallNow()};
    std::vector<NewJob> jobs;
    for (const std::string& payload : payloads) jobs.push_back({absl::StrCat("job-", jobs.size()), payload});
    return AwaitStore<Batch>([&](auto done) { plain_.CreateBatch(batch, jobs, std::move(done)); })->id;
  }
  Batch Get(const std::string& id, const std::string& tenant = "") {
    return *AwaitStore<Batch>([&](auto done) { plain_.GetBatch({tenant, id}, std::move(done)); });
  }
  void Cancel(const std::string& id) {
    (void)AwaitStore<Batch>([&](auto done) { plain_.CancelBatch({"", id}, std::move(done)); });
  }
  StoreStats Stats() {
    return *AwaitStore<StoreStats>([&](auto done) { plain_.Stats(std::move(done)); });
  }
  std::vector<Outcome> Outcomes(const std::string& id) {
    std::vector<Outcome> all;
    while (true) {
      const auto after = static_cast<int64_t>(all.size());
      auto page = *AwaitStore<std::vector<Outcome>>(
          [&](auto done) { plain_.ReadOutcomes({"", id}, after, 256, std::move(done)); });
      if (page.empty()) return all;
      all.insert(all.end(), page.begin(), page.end());
    }
  }
  // By job id, what was recorded: kind, reason and result.
  std::map<std::string, std::string> Recorded(const std::string& id) {
    std::map<std::string, std::string> recorded;
    for (const Outcome& outcome : Outcomes(id)) {
      EXPECT_EQ(recorded.count(outcome.job_id), 0u) << outcome.job_id << " has two outcomes";
      recorded[outcome.job_id] =
          absl::StrCat(static_cast<int>(outcome.kind), " ", outcome.error_reason, " ", outcome.result);
    }
    return recorded;
  }

  // Lets virtual time go by, a step each time nothing happens, until `condition` holds. Real time bounds the
  // test.
  bool AwaitCondition(const std::function<bool()>& condition, absl::Duration step = absl::Milliseconds(10)) {
    const absl::Time give_up = absl::Now() + absl::Minutes(4);
    while (!condition()) {
      if (absl::Now() > give_up) return false;
      MutexLock lock(mutex_);
      changed_.WaitFor(mutex_, absl::Milliseconds(2));
      clock_.Advance(step);
      if (pipeline_) pipeline_->OnReady();
    }
    return true;
  }
  bool AwaitDone(const std::string& id, const std::string& tenant = "") {
    return AwaitCondition([&] { return IsTerminal(Get(id, tenant).state); });
  }

  void OnReady() override {
    MutexLock lock(mutex_);
    changed_.NotifyAll();
    if (pipeline_) pipeline_->OnReady();
  }
  void OnOutcomes(const std::string&) override {
    MutexLock lock(mutex_);
    changed_.NotifyAll();
  }
  void OnBatchEnded(const std::string& batch_id) override {
    MutexLock lock(mutex_);
    if (pipeline_) pipeline_->OnBatchEnded(batch_id);
  }

  Options options_;
  SimulatedClock clock_;
  LineCodec codec_;
  WordTokenizer tokenizer_;
  InMemoryBatchStore plain_;
  FaultyBatchStore store_;
  std::unique_ptr<ThreadPool> executor_;
  std::unique_ptr<MicroBatchScheduler> scheduler_;
  prometheus::Registry registry_;
  ServiceMetrics cache_metrics_{registry_};
  std::unique_ptr<ThreadPool> cache_executor_ = *ThreadPool::Create({.name = "cache"});
  InMemoryEmbeddingCache cache_{{}, *cache_executor_};
  std::unique_ptr<MicroBatchScheduler> caching_;
  std::unique_ptr<HoldableReplica> replica_;
  Mutex mutex_;
  CondVar changed_;
  std::unique_ptr<Pipeline> pipeline_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sluice
