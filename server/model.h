// Model: everything between a text and its vector, put together: tokenizer, scheduler, replicas, embedder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/admission/admission.h"
#include "core/base/clock.h"
#include "core/base/executor.h"
#include "core/batching/micro_batch_scheduler.h"
#include "core/inference/embedder.h"
#include "core/inference/replica_pool.h"
#include "core/metrics/service_metrics.h"
#include "core/store/cache.h"
#include "core/text/tokenizer.h"
#include "server/encoder_source.h"

namespace sluice {

// What is pointed to must outlive the model.
struct ModelParts {
  Executor* executor = nullptr;  // tokenizing of interactive calls
  const Clock* clock = nullptr;
  ServiceMetrics* metrics = nullptr;
  SchedulerOptions scheduler;
  EmbeddingCache* cache = nullptr;  // null: every text is encoded
  std::string software;  // what computes vectors, with versions; another's are not taken from the cache
};

// Thread-safe once loaded.
class Model {
 public:
  // Reads the files, makes the encoders and waits until they are warm. Every failure has reason
  // MODEL_UNUSABLE and names the file or device.
  static absl::StatusOr<std::unique_ptr<Model>> Load(const EncoderRequest& request, EncoderSource& source,
                                                     const ModelParts& parts);
  // Fails what waits with UNAVAILABLE, lets running micro-batches end, joins.
  ~Model();

  const EncoderDescription& description() const { return description_; }
  // How the replicas are laid out, and why: what was measured at start.
  const TierChoice& tier() const { return tier_; }
  const EncoderCalibration& calibration() const { return calibration_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  // The one door for what needs a vector.
  MicroBatchScheduler& scheduler() { return caching_ != nullptr ? *caching_ : *scheduler_; }
  Embedder& embedder() { return *embedder_; }
  std::vector<ReplicaStatus> Replicas() const { return pool_->Replicas(); }
  int64_t CreditTargetTokens() const { return pool_->CreditTargetTokens(); }
  // At the live rate, which knows of the machine's other work and of the lengths that come; by the cost model
  // until there is one.
  CallLoad PresentLoad() const;
  // Of one Embed call in the scheduler at once.
  int max_waiting_texts() const { return max_waiting_texts_; }

 private:
  Model() = default;

  EncoderDescription description_;
  TierChoice tier_;
  EncoderCalibration calibration_;
  SchedulerOptions scheduler_options_;
  int max_waiting_texts_ = 0;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<SchedulerObserver> observer_;
  std::unique_ptr<MicroBatchScheduler> scheduler_;
  std::unique_ptr<MicroBatchScheduler> caching_;  // before scheduler_, where there is a cache
  std::unique_ptr<ReplicaPool> pool_;
  std::unique_ptr<Embedder> embedder_;
};

}  // namespace sluice
