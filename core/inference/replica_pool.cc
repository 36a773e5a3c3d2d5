#include "core/inference/replica_pool.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/mutex.h"
#include "core/base/status_macros.h"
#include "core/base/thread.h"
#include "core/hardware/tier.h"
#include "core/inference/replica.h"

namespace sluice {
namespace {

absl::Status CheckSpecs(const std::vector<ReplicaSpec>& specs) {
  if (specs.empty() || specs.size() > size_t{kMaxReplicas}) {
    return absl::InvalidArgumentError(absl::StrCat("replicas=", specs.size(), ", want 1..", kMaxReplicas));
  }
  for (const ReplicaSpec& spec : specs) {
    if (spec.limits.max_tokens < 1 || spec.limits.max_jobs < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("replica ", spec.name, ": max_tokens=", spec.limits.max_tokens,
                       ", max_jobs=", spec.limits.max_jobs, ", want >= 1 of both"));
    }
  }
  return absl::OkStatus();
}

// Where threads wait for each other at start: none pulls work before every encoder is made.
class StartingLine {
 public:
  explicit StartingLine(size_t replicas) : missing_(replicas) {}

  // A replica is ready, or not. Blocks until all have said so; returns whether to run.
  bool Arrive(const absl::Status& status) {
    MutexLock lock(mutex_);
    status_.Update(status);
    if (--missing_ == 0) changed_.NotifyAll();
    while (missing_ > 0) changed_.Wait(mutex_);
    return status_.ok();
  }

  // The first failure, once all have arrived.
  absl::Status Wait() {
    MutexLock lock(mutex_);
    while (missing_ > 0) changed_.Wait(mutex_);
    return status_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  size_t missing_ ABSL_GUARDED_BY(mutex_);
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

class ThreadedReplicaPool final : public ReplicaPool {
 public:
  ThreadedReplicaPool(std::vector<std::unique_ptr<Replica>> replicas, int64_t credit_target_tokens)
      : credit_target_tokens_(credit_target_tokens),
        replicas_(std::move(replicas)),
        line_(replicas_.size()) {}

  absl::Status Start() {
    threads_.reserve(replicas_.size());
    for (const auto& replica : replicas_) {
      threads_.emplace_back(replica->name(), [this, r = replica.get()] {
        if (line_.Arrive(WithName(r->name(), r->Prepare()))) r->Run(ShareOfDevice(*r));
        r->DropEncoder();
      });
    }
    return line_.Wait();
  }

  std::vector<ReplicaStatus> Replicas() const override {
    std::vector<ReplicaStatus> statuses;
    statuses.reserve(replicas_.size());
    for (const auto& replica : replicas_) statuses.push_back(replica->Status());
    return statuses;
  }

  int64_t CreditTargetTokens() const override { return credit_target_tokens_; }

  double TokensPerSecond() const override {
    double sum = 0;
    for (const auto& replica : replicas_) sum += replica->TokensPerSecond();
    return sum;
  }

 private:
  // Once all are prepared.
  double ShareOfDevice(const Replica& replica) const {
    const auto on_device = std::count_if(replicas_.begin(), replicas_.end(), [&](const auto& other) {
      return other->device() == replica.device();
    });
    return 1.0 / static_cast<double>(on_device);
  }

  static absl::Status WithName(const std::string& name, const absl::Status& status) {
    if (status.ok()) return status;
    return absl::Status(status.code(), absl::StrCat("replica ", name, ": ", status.message()));
  }

  const int64_t credit_target_tokens_;
  const std::vector<std::unique_ptr<Replica>> replicas_;
  StartingLine line_;
  std::vector<Thread> threads_;  // last: joined before what they use goes
};

}  // namespace

bool CostIsOff(const std::vector<ReplicaStatus>& replicas) {
  constexpr int64_t kTokensThatTell = 20'000;
  constexpr double kTolerance = 2;
  int64_t tokens = 0;
  double slowness = 0;
  for (const ReplicaStatus& replica : replicas) {
    tokens += replica.encoded_tokens;
    slowness += replica.slowness / static_cast<double>(replicas.size());
  }
  return tokens >= kTokensThatTell && (slowness > kTolerance || slowness < 1 / kTolerance);
}

absl::StatusOr<std::unique_ptr<ReplicaPool>> ReplicaPool::Create(Options options,
                                                                 MicroBatchScheduler& scheduler,
                                                                 const Clock& clock,
                                                                 ServiceMetrics* metrics) {
  SLUICE_RETURN_IF_ERROR(CheckSpecs(options.replicas));
  int64_t credit_target_tokens = 0;
  std::vector<std::unique_ptr<Replica>> replicas;
  for (ReplicaSpec& spec : options.replicas) {
    spec.limits.sharers = static_cast<int>(options.replicas.size());
    credit_target_tokens += 2 * spec.limits.max_tokens;
    replicas.push_back(std::make_unique<Replica>(std::move(spec), scheduler, clock, metrics));
  }
  auto pool = std::make_unique<ThreadedReplicaPool>(std::move(replicas), credit_target_tokens);
  SLUICE_RETURN_IF_ERROR(pool->Start());
  return pool;
}

}  // namespace sluice
