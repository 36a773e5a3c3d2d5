#include "server/model.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/mutex.h"
#include "core/base/notification.h"
#include "core/base/status_macros.h"
#include "core/batching/scheduler_metrics.h"

namespace sluice {
namespace {

constexpr int kProbeTokens = 256;  // about the median posting
constexpr absl::Duration kProbeTimeout = absl::Minutes(2);

absl::Status Unusable(absl::Status status) {
  return WithReason(std::move(status), "MODEL_UNUSABLE");
}

int TwoMicroBatches(const std::vector<ReplicaStatus>& replicas) {
  int texts = 0;
  for (const ReplicaStatus& replica : replicas) texts += 2 * replica.limits.max_jobs;
  return texts;
}

// Waits for the last of several encode works. Shared, so that one that answers after the wait was given up is
// safe.
struct Probe {
  Mutex mutex;
  int left ABSL_GUARDED_BY(mutex) = 0;
  absl::Status failure ABSL_GUARDED_BY(mutex);
  Notification all_done;

  void Done(const absl::Status& status) {
    MutexLock lock(mutex);
    if (!status.ok() && failure.ok()) failure = status;
    if (--left == 0) all_done.Notify();
  }
  absl::Status Wait() {
    if (!all_done.WaitFor(kProbeTimeout))
      return absl::DeadlineExceededError("the encoder did not answer in time");
    MutexLock lock(mutex);
    return failure;
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> Model::Load(const EncoderRequest& request, EncoderSource& source,
                                                   const ModelParts& parts) {
  absl::StatusOr<EncoderPlan> plan = source.Plan(request);
  if (!plan.ok()) return Unusable(plan.status());
  std::unique_ptr<Model> model(new Model());
  model->description_ = plan->model;
  model->precision_reason_ = plan->precision_reason;
  model->clock_ = parts.clock;
  absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizer = LoadTokenizer(request.model_directory);
  if (!tokenizer.ok()) return Unusable(tokenizer.status());
  model->tokenizer_ = *std::move(tokenizer);
  if (model->tokenizer_->vocabulary_size() > plan->model.vocabulary_size) {
    return Unusable(absl::InvalidArgumentError(
        absl::StrCat(request.model_directory, ": tokenizer.json has ", model->tokenizer_->vocabulary_size(),
                     " tokens, but the encoder only ", plan->model.vocabulary_size)));
  }
  model->observer_ = std::make_unique<SchedulerMetricsFeed>(parts.metrics->scheduler());
  SLUICE_ASSIGN_OR_RETURN(
      model->scheduler_,
      MicroBatchScheduler::Create(model->scheduler_options_, *parts.clock, model->observer_.get()));
  absl::StatusOr<std::unique_ptr<ReplicaPool>> pool = ReplicaPool::Create(
      {.replicas = std::move(plan->replicas)}, *model->scheduler_, *parts.clock, parts.metrics);
  if (!pool.ok()) return Unusable(pool.status());
  model->pool_ = *std::move(pool);
  model->max_waiting_texts_ = TwoMicroBatches(model->pool_->Replicas());
  model->embedder_ = Embedder::Create({.dimensions = model->description_.dimensions,
                                       .max_tokens = model->description_.max_tokens,
                                       .max_waiting_texts = model->max_waiting_texts_},
                                      *model->tokenizer_, *model->scheduler_, *parts.executor);
  return model;
}

Model::~Model() {
  if (scheduler_ != nullptr) scheduler_->Close();
}

CallLoad Model::PresentLoad() const {
  const SchedulerSnapshot snapshot = scheduler_->Snapshot();
  constexpr int kInteractive = static_cast<int>(WorkClass::kInteractive);
  constexpr int kBulk = static_cast<int>(WorkClass::kBulk);
  return {.queued_tokens = snapshot.queued_tokens[kInteractive],
          .shared = snapshot.queued_works[kBulk] > 0,
          .tokens_per_second = pool_->TokensPerSecond(),
          .oldest_wait = snapshot.oldest_wait[kInteractive],
          .target_wait = scheduler_options_.codel.target,
          .overloaded = snapshot.overloaded};
}

absl::StatusOr<double> Model::MeasurePostingsPerSecond() {
  const std::vector<ReplicaStatus> replicas = pool_->Replicas();
  const int texts = std::clamp(static_cast<int>(replicas[0].limits.max_tokens / kProbeTokens), 1,
                               replicas[0].limits.max_jobs);
  SLUICE_RETURN_IF_ERROR(RunProbe(texts));
  const absl::Duration started = clock_->MonotonicNow();
  SLUICE_RETURN_IF_ERROR(RunProbe(texts));
  const double seconds = std::max(1e-9, absl::ToDoubleSeconds(clock_->MonotonicNow() - started));
  return texts * static_cast<double>(replicas.size()) / seconds;
}

absl::Status Model::RunProbe(int texts) {
  const int length = std::min(kProbeTokens, description_.max_tokens);
  SLUICE_ASSIGN_OR_RETURN(const TokenSequence sequence, tokenizer_->Encode("a", length, Truncation::kEnd));
  // Any ids do: a forward pass takes as long whatever they say.
  std::vector<int32_t> ids = sequence.ids;
  ids.insert(ids.end() - 1, static_cast<size_t>(length) - ids.size(), ids[1]);
  auto probe = std::make_shared<Probe>();
  {
    MutexLock lock(probe->mutex);
    probe->left = texts;
  }
  std::vector<EncodeWork> works;
  for (int i = 0; i < texts; ++i) {
    works.push_back(
        {.tokens = ids,
         .work_class = WorkClass::kInteractive,
         .done = [probe](absl::StatusOr<std::vector<float>> vector) { probe->Done(vector.status()); }});
  }
  SLUICE_RETURN_IF_ERROR(scheduler_->SubmitAll(std::move(works)));
  return probe->Wait();
}

}  // namespace sluice
