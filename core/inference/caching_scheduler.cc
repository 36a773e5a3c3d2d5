#include "core/inference/caching_scheduler.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "core/base/error_details.h"
#include "core/base/mutex.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"
#include "core/batching/batch_policy.h"

namespace sluice {
namespace {

using Answer = absl::StatusOr<std::vector<float>>;
using WorkDone = absl::AnyInvocable<void(Answer) &&>;

// A key on its way, to the cache or through the scheduler.
struct Flight {
  EmbeddingKey key;
  Lane lane;
  std::vector<EncodeWork> joined = {};  // guarded by the scheduler's mutex
};
using FlightPtr = std::shared_ptr<Flight>;

struct LedWork {
  FlightPtr flight;
  EncodeWork work;
};

// What becomes of works that are submitted together.
struct Plan {
  std::vector<EncodeWork> missed;
  std::vector<LedWork> held;  // by the cache, as it seems
  std::vector<LedWork> joining;
  absl::flat_hash_map<EmbeddingKey, FlightPtr> flights;  // begun
};

int64_t BulkTokens(const EncodeWork& work) {
  return work.work_class == WorkClass::kBulk ? static_cast<int64_t>(work.tokens.size()) : 0;
}

// Whether a work that joined one of `lane` takes the answer given to that. What an encoder says of a text it
// says of its equals; being no longer wanted is a work's own affair, and a refusal one of its queue.
bool Shares(const Answer& answer, Lane lane, const EncodeWork& joined) {
  const absl::Status& status = answer.status();
  if (absl::IsCancelled(status) || absl::IsDeadlineExceeded(status)) return false;
  const bool refused = absl::IsResourceExhausted(status) && !ReasonOf(status).empty();
  return !refused || LaneOf(joined) == lane;
}

// Submits a work that was accepted before, and thus learns through `done` that there is no room.
void SubmitAccepted(MicroBatchScheduler& scheduler, EncodeWork work) {
  const bool is_bulk = work.work_class == WorkClass::kBulk;
  auto done = std::make_shared<WorkDone>(std::move(work.done));
  work.done = [done](Answer answer) { std::move (*done)(std::move(answer)); };
  absl::Status status = scheduler.Submit(std::move(work));
  if (status.ok()) return;
  if (is_bulk && RetryDelayOf(status).has_value()) {
    status = WithReason(absl::UnavailableError(status.message()), ReasonOf(status));
  }
  std::move (*done)(std::move(status));
}

class EncodingOnce final : public MicroBatchScheduler {
 public:
  EncodingOnce(const CachingOptions& options, MicroBatchScheduler& scheduler, EmbeddingCache& cache,
               const EmbeddingCacheMetrics& metrics)
      : max_joined_works_(static_cast<size_t>(options.max_joined_works)),
        scope_digest_(DigestOf(options.vector_scope)),
        scheduler_(scheduler),
        cache_(cache),
        metrics_(metrics) {}

  ~EncodingOnce() override {
    scheduler_.Close();
    MutexLock lock(mutex_);
    while (lookups_ > 0) looked_up_.Wait(mutex_);
  }

  absl::Status Submit(EncodeWork work) override {
    std::vector<EncodeWork> works;
    works.push_back(std::move(work));
    return SubmitAll(std::move(works));
  }

  absl::Status SubmitAll(std::vector<EncodeWork> works) override {
    std::vector<EmbeddingKey> keys;
    for (const EncodeWork& work : works) keys.push_back(KeyOf(work.tokens));
    std::vector<LedWork> held;
    {
      // The scheduler is asked under the lock, where it calls nothing of ours: what it refuses then was never
      // seen by anybody.
      MutexLock lock(mutex_);
      Plan plan = MakePlan(std::move(works), keys);
      const size_t missed = plan.missed.size();
      SLUICE_RETURN_IF_ERROR(scheduler_.SubmitAll(std::move(plan.missed)));
      Count(kMiss, missed);
      Count(kJoined, plan.joining.size());
      Carry(plan);
      held = std::move(plan.held);
    }
    if (!held.empty()) LookUp(std::move(held));
    return absl::OkStatus();
  }

  std::optional<MicroBatch> NextBatch(const MicroBatchLimits& limits) override {
    return scheduler_.NextBatch(limits);
  }
  std::optional<MicroBatch> TryNextBatch(const MicroBatchLimits& limits) override {
    return scheduler_.TryNextBatch(limits);
  }
  int64_t BulkCreditTokens(int64_t target_tokens) const override {
    const int64_t credit = scheduler_.BulkCreditTokens(target_tokens);
    MutexLock lock(mutex_);
    return credit - bulk_tokens_;
  }
  SchedulerSnapshot Snapshot() const override { return scheduler_.Snapshot(); }
  void Close() override { scheduler_.Close(); }

 private:
  // As in kMetricLookupResults.
  enum LookupResult { kHit, kMiss, kJoined };

  static std::string DigestOf(const std::string& scope) {
    Sha256 digest;
    digest.Update(scope);
    return digest.Finish();
  }

  EmbeddingKey KeyOf(absl::Span<const int32_t> tokens) const {
    Sha256 digest;
    digest.Update(scope_digest_);
    digest.Update({reinterpret_cast<const char*>(tokens.data()), tokens.size() * sizeof(int32_t)});
    const std::string bytes = digest.Finish();
    EmbeddingKey key;
    std::copy(bytes.begin(), bytes.end(), key.begin());
    return key;
  }

  void Count(LookupResult result, size_t works) {
    metrics_.lookups_total[result]->Increment(static_cast<double>(works));
  }

  Plan MakePlan(std::vector<EncodeWork> works, absl::Span<const EmbeddingKey> keys)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Plan plan;
    for (size_t i = 0; i < works.size(); ++i) {
      EncodeWork& work = works[i];
      const Lane lane = LaneOf(work);
      FlightPtr flight = FindToJoin(keys[i], lane, plan);
      if (flight != nullptr) {
        plan.joining.push_back({std::move(flight), std::move(work)});
        continue;
      }
      flight = std::make_shared<Flight>(Flight{keys[i], lane});
      plan.flights[keys[i]] = flight;
      if (cache_.MayHold(keys[i])) {
        plan.held.push_back({std::move(flight), std::move(work)});
      } else {
        plan.missed.push_back(Led({std::move(flight), std::move(work)}));
      }
    }
    return plan;
  }

  // Null: there is none, it is less urgent than `lane`, or enough have joined it.
  FlightPtr FindToJoin(const EmbeddingKey& key, Lane lane, const Plan& plan) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (const auto* flights : {&plan.flights, &flights_}) {
      const auto found = flights->find(key);
      if (found == flights->end()) continue;
      const Flight& flight = *found->second;
      return flight.lane <= lane && flight.joined.size() < max_joined_works_ ? found->second : nullptr;
    }
    return nullptr;
  }

  void Carry(Plan& plan) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (auto& [key, flight] : plan.flights) flights_[key] = std::move(flight);
    for (const LedWork& held : plan.held) bulk_tokens_ += BulkTokens(held.work);
    for (LedWork& joining : plan.joining) {
      bulk_tokens_ += BulkTokens(joining.work);
      joining.flight->joined.push_back(std::move(joining.work));
    }
    if (!plan.held.empty()) ++lookups_;
  }

  // The work, whose answer ends its flight as well.
  EncodeWork Led(LedWork led) {
    EncodeWork work = std::move(led.work);
    work.done = [this, flight = std::move(led.flight), done = std::move(work.done)](Answer answer) mutable {
      // In the cache before it is no longer on its way: a text that comes meanwhile finds it in one of them.
      if (answer.ok()) cache_.Put(flight->key, *answer);
      End(flight, answer);
      std::move(done)(std::move(answer));
    };
    return work;
  }

  void LookUp(std::vector<LedWork> held) {
    std::vector<EmbeddingKey> keys;
    for (const LedWork& led : held) keys.push_back(led.flight->key);
    cache_.Get(std::move(keys), [this, held = std::move(held)](FoundEmbeddings found) mutable {
      for (size_t i = 0; i < held.size(); ++i) AnswerHeld(std::move(held[i]), std::move(found[i]));
      MutexLock lock(mutex_);
      if (--lookups_ == 0) looked_up_.NotifyAll();
    });
  }

  void AnswerHeld(LedWork held, std::optional<std::vector<float>> vector) {
    {
      MutexLock lock(mutex_);
      bulk_tokens_ -= BulkTokens(held.work);
    }
    Count(vector.has_value() ? kHit : kMiss, 1);
    if (!vector.has_value()) return SubmitAccepted(scheduler_, Led(std::move(held)));
    Answer answer = *std::move(vector);
    End(held.flight, answer);
    std::move(held.work.done)(std::move(answer));
  }

  // Nobody joins it from here on. Those who did take its answer or go on without it.
  void End(const FlightPtr& flight, const Answer& answer) {
    std::vector<EncodeWork> joined;
    {
      MutexLock lock(mutex_);
      const auto found = flights_.find(flight->key);
      if (found != flights_.end() && found->second == flight) flights_.erase(found);
      joined.swap(flight->joined);
      for (const EncodeWork& work : joined) bulk_tokens_ -= BulkTokens(work);
    }
    for (EncodeWork& work : joined) {
      if (Shares(answer, flight->lane, work)) {
        std::move(work.done)(answer);
      } else {
        SubmitAccepted(*this, std::move(work));
      }
    }
  }

  const size_t max_joined_works_;
  const std::string scope_digest_;
  MicroBatchScheduler& scheduler_;
  EmbeddingCache& cache_;
  const EmbeddingCacheMetrics metrics_;

  mutable Mutex mutex_;
  CondVar looked_up_;
  // The most urgent of each key. A less urgent one that it took the place of goes on unseen.
  absl::flat_hash_map<EmbeddingKey, FlightPtr> flights_ ABSL_GUARDED_BY(mutex_);
  int64_t bulk_tokens_ ABSL_GUARDED_BY(mutex_) = 0;  // of works that joined or are looked up
  int lookups_ ABSL_GUARDED_BY(mutex_) = 0;          // that the cache has still to answer
};

}  // namespace

std::unique_ptr<MicroBatchScheduler> MakeCachingScheduler(CachingOptions options,
                                                          MicroBatchScheduler& scheduler,
                                                          EmbeddingCache& cache,
                                                          const EmbeddingCacheMetrics& metrics) {
  return std::make_unique<EncodingOnce>(options, scheduler, cache, metrics);
}

}  // namespace sluice
