#include "server/model.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/admission/call_load.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/batching/scheduler_metrics.h"
#include "core/inference/caching_scheduler.h"

namespace sluice {
namespace {

constexpr int64_t kTokensOfAPrompt = 32;

absl::Status Unusable(absl::Status status) {
  return WithReason(std::move(status), "MODEL_UNUSABLE");
}

int TwoMicroBatches(const std::vector<ReplicaStatus>& replicas) {
  int texts = 0;
  for (const ReplicaStatus& replica : replicas) texts += 2 * replica.limits.max_jobs;
  return texts;
}

// A replica may encode any text, so what each of them is counts.
std::string VectorScope(const EncoderDescription& model, const EncoderCalibration& calibration,
                        const std::vector<ReplicaStatus>& replicas, const std::string& software) {
  std::set<std::string> kinds = {VariantName(calibration.variant)};
  for (const ReplicaStatus& replica : replicas) {
    kinds.insert(
        absl::StrCat(DeviceTypeName(replica.encoder.device), " ", PrecisionName(replica.encoder.precision)));
  }
  return absl::StrCat(model.model_digest, "; ", model.options, "; ", absl::StrJoin(kinds, ", "), "; ",
                      software);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> Model::Load(const EncoderRequest& request, EncoderSource& source,
                                                   const ModelParts& parts) {
  absl::StatusOr<EncoderPlan> plan = source.Plan(request);
  if (!plan.ok()) return Unusable(plan.status());
  std::unique_ptr<Model> model(new Model());
  model->description_ = plan->model;
  model->tier_ = plan->tier;
  model->calibration_ = plan->calibration;
  model->scheduler_options_ = parts.scheduler;
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
  if (parts.cache != nullptr) {
    model->caching_ =
        MakeCachingScheduler({.vector_scope = VectorScope(model->description_, model->calibration_,
                                                          model->pool_->Replicas(), parts.software)},
                             *model->scheduler_, *parts.cache, parts.metrics->embedding_cache());
  }
  model->max_waiting_texts_ = TwoMicroBatches(model->pool_->Replicas());
  model->embedder_ = Embedder::Create({.dimensions = model->description_.dimensions,
                                       .max_tokens = model->description_.max_tokens,
                                       .max_waiting_texts = model->max_waiting_texts_},
                                      *model->tokenizer_, model->scheduler(), *parts.executor);
  return model;
}

Model::~Model() {
  if (scheduler_ != nullptr) scheduler_->Close();
}

CallLoad Model::PresentLoad() const {
  const double live = pool_->TokensPerSecond();
  const double rate =
      live > 0 ? live : TokensPerSecondIn(calibration_, tier_.max_batch_jobs, kTokensOfAPrompt);
  return LoadOf(scheduler_->Snapshot(), scheduler_options_, rate);
}

}  // namespace sluice
