#include "core/results/result_feed.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/mutex.h"
#include "core/base/thread.h"
#include "core/store/batch_rules.h"

namespace sluice {
namespace {

using NextDone = absl::AnyInvocable<void(absl::StatusOr<FeedPage>) &&>;

absl::Status ClosedError() {
  return DrainingError("go on after the last sequence that was read");
}

// One subscription. Everything is guarded by FeedCore's mutex.
struct Follower {
  enum class Phase {
    kIdle,     // no Next is pending
    kQueued,   // the feed's thread will read for it
    kReading,  // a store call is under way
    kWaiting,  // read everything there is; OnOutcomes wakes it
  };

  BatchKey batch;
  int64_t after_sequence = 0;
  Phase phase = Phase::kIdle;
  bool changed = false;                   // OnOutcomes came since the last look at the batch
  bool outcomes_ready = false;            // the batch is known to have more than after_sequence
  std::optional<int64_t> final_sequence;  // of a terminal batch: it never grows again
  NextDone done;                          // of the pending Next
  std::vector<std::thread::id>
      deliverers;  // that run a `done` now; two when one asked for the next page inline
  bool cancelled = false;
};

// What subscriptions and store answers share, so that they may outlive the feed. All store calls are made by
// the feed's own thread: neither the store's listener nor its answers call the store.
class FeedCore : public std::enable_shared_from_this<FeedCore> {
 public:
  FeedCore(FeedOptions options, BatchCatalog& catalog, ResultReader& results)
      : options_(options), catalog_(&catalog), results_(&results) {}

  absl::StatusOr<std::shared_ptr<Follower>> Add(BatchKey batch, int64_t after_sequence) {
    MutexLock lock(mutex_);
    if (closed_) return ClosedError();
    if (num_followers_ >= options_.max_subscriptions) {
      return WithReason(
          absl::ResourceExhaustedError(absl::StrCat("all ", options_.max_subscriptions,
                                                    " result streams are in use; try again later")),
          "TOO_MANY_STREAMS");
    }
    auto follower = std::make_shared<Follower>();
    follower->batch = std::move(batch);
    follower->after_sequence = after_sequence;
    followers_[follower->batch.id].insert(follower);
    ++num_followers_;
    return follower;
  }

  // Afterwards `done` is not running and never will, unless it is what calls this.
  void Remove(const std::shared_ptr<Follower>& follower) {
    NextDone dropped;
    MutexLock lock(mutex_);
    follower->cancelled = true;
    dropped = std::move(follower->done);
    auto of_batch = followers_.find(follower->batch.id);
    if (of_batch != followers_.end() && of_batch->second.erase(follower) > 0) {
      if (of_batch->second.empty()) followers_.erase(of_batch);
      --num_followers_;
    }
    while (!std::all_of(follower->deliverers.begin(), follower->deliverers.end(),
                        [](std::thread::id id) { return id == std::this_thread::get_id(); })) {
      delivered_.Wait(mutex_);
    }
  }

  void Next(const std::shared_ptr<Follower>& follower, NextDone done) {
    absl::Status refusal;
    {
      MutexLock lock(mutex_);
      if (closed_) {
        refusal = ClosedError();
      } else if (follower->phase != Follower::Phase::kIdle) {
        refusal = absl::FailedPreconditionError("one Next at a time");
      } else {
        follower->done = std::move(done);
        Enqueue(follower);
      }
    }
    if (!refusal.ok()) std::move(done)(refusal);
  }

  void Wake(const std::string& batch_id) {
    MutexLock lock(mutex_);
    auto of_batch = followers_.find(batch_id);
    if (of_batch == followers_.end()) return;
    for (const std::shared_ptr<Follower>& follower : of_batch->second) {
      follower->changed = true;
      if (follower->phase == Follower::Phase::kWaiting) Enqueue(follower);
    }
  }

  void Close() {
    std::vector<std::shared_ptr<Follower>> pending;
    {
      MutexLock lock(mutex_);
      closed_ = true;
      queue_.clear();
      queued_.NotifyAll();
      for (const auto& [batch_id, of_batch] : followers_) {
        for (const std::shared_ptr<Follower>& follower : of_batch) {
          if (follower->phase != Follower::Phase::kIdle) pending.push_back(follower);
        }
      }
    }
    for (const std::shared_ptr<Follower>& follower : pending) Deliver(follower, ClosedError());
  }

  // The thread's body.
  void Run() {
    while (std::shared_ptr<Follower> follower = PopQueued()) Read(follower);
  }

 private:
  void Enqueue(const std::shared_ptr<Follower>& follower) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    follower->phase = Follower::Phase::kQueued;
    queue_.push_back(follower);
    queued_.NotifyOne();
  }

  std::shared_ptr<Follower> PopQueued() {
    MutexLock lock(mutex_);
    while (queue_.empty() && !closed_) queued_.Wait(mutex_);
    if (closed_) return nullptr;
    std::shared_ptr<Follower> follower = std::move(queue_.front());
    queue_.pop_front();
    follower->phase = Follower::Phase::kReading;
    return follower;
  }

  void Read(const std::shared_ptr<Follower>& follower) {
    bool read_outcomes;
    int64_t after_sequence;
    bool at_end;
    {
      MutexLock lock(mutex_);
      if (follower->cancelled) return;
      after_sequence = follower->after_sequence;
      at_end = follower->final_sequence == after_sequence;
      read_outcomes = follower->outcomes_ready || follower->final_sequence.has_value();
      if (!read_outcomes) follower->changed = false;
    }
    if (at_end) {
      Deliver(follower, FeedPage{.finished = true});
    } else if (read_outcomes) {
      results_->ReadOutcomes(
          follower->batch, after_sequence, options_.page_outcomes,
          [core = shared_from_this(), follower](absl::StatusOr<std::vector<Outcome>> outcomes) {
            core->OnPage(follower, std::move(outcomes));
          });
    } else {
      catalog_->GetBatch(follower->batch, [core = shared_from_this(), follower](absl::StatusOr<Batch> batch) {
        core->OnBatch(follower, batch);
      });
    }
  }

  void OnBatch(const std::shared_ptr<Follower>& follower, const absl::StatusOr<Batch>& batch) {
    if (!batch.ok()) return Deliver(follower, batch.status());
    int64_t after_sequence;
    {
      MutexLock lock(mutex_);
      if (follower->phase != Follower::Phase::kReading) return;
      after_sequence = follower->after_sequence;
      if (after_sequence <= batch->last_sequence) {
        if (IsTerminal(batch->state)) follower->final_sequence = batch->last_sequence;
        follower->outcomes_ready = batch->last_sequence > after_sequence;
        if (follower->outcomes_ready || follower->final_sequence.has_value() || follower->changed) {
          Enqueue(follower);
        } else {
          follower->phase = Follower::Phase::kWaiting;
        }
        return;
      }
    }
    Deliver(follower, SequenceOutOfRange(after_sequence, batch->last_sequence));
  }

  void OnPage(const std::shared_ptr<Follower>& follower, absl::StatusOr<std::vector<Outcome>> outcomes) {
    if (!outcomes.ok()) return Deliver(follower, outcomes.status());
    FeedPage page;
    {
      MutexLock lock(mutex_);
      if (follower->phase != Follower::Phase::kReading) return;
      follower->outcomes_ready = false;
      if (outcomes->empty()) return Enqueue(follower);
      page.finished = follower->final_sequence == outcomes->back().sequence;
    }
    page.outcomes = *std::move(outcomes);
    Deliver(follower, std::move(page));
  }

  // Answers the pending Next, if there still is one. The position moves here, so that a page which nobody got
  // is read again.
  void Deliver(const std::shared_ptr<Follower>& follower, absl::StatusOr<FeedPage> page) {
    NextDone done;
    {
      MutexLock lock(mutex_);
      if (follower->cancelled || follower->phase == Follower::Phase::kIdle) return;
      follower->phase = Follower::Phase::kIdle;
      if (page.ok() && !page->outcomes.empty()) follower->after_sequence = page->outcomes.back().sequence;
      follower->deliverers.push_back(std::this_thread::get_id());
      done = std::move(follower->done);
    }
    std::move(done)(std::move(page));
    MutexLock lock(mutex_);
    follower->deliverers.erase(
        std::find(follower->deliverers.begin(), follower->deliverers.end(), std::this_thread::get_id()));
    delivered_.NotifyAll();
  }

  const FeedOptions options_;
  BatchCatalog* const catalog_;
  ResultReader* const results_;
  Mutex mutex_;
  CondVar queued_;
  CondVar delivered_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  int num_followers_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::set<std::shared_ptr<Follower>>> followers_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::shared_ptr<Follower>> queue_ ABSL_GUARDED_BY(mutex_);  // each follower at most once
};

class Subscription final : public FeedSubscription {
 public:
  Subscription(std::shared_ptr<FeedCore> core, std::shared_ptr<Follower> follower)
      : core_(std::move(core)), follower_(std::move(follower)) {}
  ~Subscription() override { core_->Remove(follower_); }

  void Next(NextDone done) override { core_->Next(follower_, std::move(done)); }

 private:
  const std::shared_ptr<FeedCore> core_;
  const std::shared_ptr<Follower> follower_;
};

class StoreResultFeed final : public ResultFeed {
 public:
  StoreResultFeed(FeedOptions options, BatchCatalog& catalog, ResultReader& results)
      : core_(std::make_shared<FeedCore>(options, catalog, results)),
        thread_("results", [core = core_] { core->Run(); }) {}
  ~StoreResultFeed() override { core_->Close(); }

  absl::StatusOr<std::unique_ptr<FeedSubscription>> Subscribe(BatchKey batch,
                                                              int64_t after_sequence) override {
    if (after_sequence < 0) return FieldError("after_sequence", "must be 0 or more");
    auto follower = core_->Add(std::move(batch), after_sequence);
    if (!follower.ok()) return follower.status();
    return std::make_unique<Subscription>(core_, *std::move(follower));
  }

  void OnOutcomes(const std::string& batch_id) override { core_->Wake(batch_id); }
  void Close() override { core_->Close(); }

 private:
  const std::shared_ptr<FeedCore> core_;
  Thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ResultFeed>> ResultFeed::Create(FeedOptions options, BatchCatalog& catalog,
                                                               ResultReader& results) {
  if (options.max_subscriptions < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_subscriptions=", options.max_subscriptions, ", want >= 1"));
  }
  if (options.page_outcomes < 1 || options.page_outcomes > 256) {
    return absl::InvalidArgumentError(absl::StrCat("page_outcomes=", options.page_outcomes, ", want 1..256"));
  }
  return std::make_unique<StoreResultFeed>(options, catalog, results);
}

}  // namespace sluice
