#include "core/batching/micro_batch_scheduler.h"

#include <algorithm>
#include <array>
#include <list>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/mutex.h"
#include "core/batching/batch_policy.h"

namespace sluice {
namespace {

struct Entry {
  EncodeWork work;
  absl::Duration submitted;  // monotonic

  int work_class() const { return static_cast<int>(work.work_class); }
  int lane() const { return static_cast<int>(LaneOf(work)); }
  int64_t tokens() const { return static_cast<int64_t>(work.tokens.size()); }
};

// What an overload takes to be worked off, once it ends.
constexpr absl::Duration kOverloadedDelay = absl::Seconds(1);

// Lists, so that works enter and leave by splicing: none is made, moved or freed under the lock.
using Entries = std::list<Entry>;

struct Totals {
  std::array<int64_t, kNumWorkClasses> tokens = {0, 0};
  std::array<int, kNumWorkClasses> works = {0, 0};
  int64_t patient_tokens = 0;

  void Add(const Entry& entry) {
    if (entry.lane() == kPatientLane) patient_tokens += entry.tokens();
    tokens[entry.work_class()] += entry.tokens();
    ++works[entry.work_class()];
  }
  void Remove(const Entry& entry) {
    if (entry.lane() == kPatientLane) patient_tokens -= entry.tokens();
    tokens[entry.work_class()] -= entry.tokens();
    --works[entry.work_class()];
  }
};

// What left the queues in one go, to be acted on once the lock is released.
struct Formed {
  Entries batch;
  Entries dropped;
  std::vector<absl::Status> drop_reasons;  // goes with `dropped`
  absl::Duration now;
  bool closed = false;
};

absl::Status CheckOptions(const CodelOptions& options) {
  if (options.target <= absl::ZeroDuration()) {
    return FieldError("codel.target",
                      absl::StrCat("is ", absl::FormatDuration(options.target), ", must be positive"));
  }
  if (options.interval < options.target) {
    return FieldError("codel.interval", absl::StrCat("is ", absl::FormatDuration(options.interval),
                                                     ", must be at least codel.target, ",
                                                     absl::FormatDuration(options.target)));
  }
  return absl::OkStatus();
}

absl::Status CheckOptions(const SchedulerOptions& options) {
  for (int c = 0; c < kNumWorkClasses; ++c) {
    const char* name = WorkClassName(static_cast<WorkClass>(c));
    if (options.max_queued_tokens[c] < 1) {
      return FieldError(absl::StrCat("max_queued_tokens[", name, "]"),
                        absl::StrCat("is ", options.max_queued_tokens[c], ", must be at least 1"));
    }
    if (options.max_queued_works[c] < 1) {
      return FieldError(absl::StrCat("max_queued_works[", name, "]"),
                        absl::StrCat("is ", options.max_queued_works[c], ", must be at least 1"));
    }
    if (!(options.weight[c] > 0)) {
      return FieldError(absl::StrCat("weight[", name, "]"),
                        absl::StrCat("is ", options.weight[c], ", must be greater than 0"));
    }
  }
  if (options.look_ahead_works < 1) {
    return FieldError("look_ahead_works",
                      absl::StrCat("is ", options.look_ahead_works, ", must be at least 1"));
  }
  if (options.max_age <= absl::ZeroDuration()) {
    return FieldError("max_age",
                      absl::StrCat("is ", absl::FormatDuration(options.max_age), ", must be positive"));
  }
  if (options.interactive_memory < absl::ZeroDuration()) {
    return FieldError(
        "interactive_memory",
        absl::StrCat("is ", absl::FormatDuration(options.interactive_memory), ", must not be negative"));
  }
  return CheckOptions(options.codel);
}

absl::Status ClosedError() {
  return DrainingError();
}

absl::Status OverloadedError(absl::Duration waited, absl::Duration patience) {
  return WithRetryDelay(
      WithReason(
          absl::ResourceExhaustedError(absl::StrCat(
              "waited ", absl::FormatDuration(absl::Trunc(waited, absl::Milliseconds(1))),
              " to be encoded; more calls come than the device manages, and none may wait longer than ",
              absl::FormatDuration(patience), ": try again later")),
          "QUEUE_OVERLOADED"),
      kOverloadedDelay);
}

class ListScheduler final : public MicroBatchScheduler {
 public:
  ListScheduler(const SchedulerOptions& options, const Clock& clock, SchedulerObserver* observer)
      : options_(options), clock_(clock), observer_(observer), codel_(options.codel) {}

  ~ListScheduler() override { Close(); }

  absl::Status Submit(EncodeWork work) override {
    Entries entries;
    entries.push_back({std::move(work)});
    return Accept(std::move(entries));
  }

  absl::Status SubmitAll(std::vector<EncodeWork> works) override {
    Entries entries;
    for (EncodeWork& work : works) entries.push_back({std::move(work)});
    return Accept(std::move(entries));
  }

  std::optional<MicroBatch> NextBatch(const MicroBatchLimits& limits) override {
    while (true) {
      {
        MutexLock lock(mutex_);
        while (!closed_ && Empty()) arrived_.Wait(mutex_);
      }
      Formed formed = Form(limits);
      if (formed.closed) return std::nullopt;
      // Empty when another replica was faster, or when nothing that waited was still wanted.
      if (std::optional<MicroBatch> batch = HandOut(std::move(formed))) return batch;
    }
  }

  std::optional<MicroBatch> TryNextBatch(const MicroBatchLimits& limits) override {
    return HandOut(Form(limits));
  }

  int64_t BulkCreditTokens(int64_t target_tokens) const override {
    MutexLock lock(mutex_);
    return target_tokens - queued_.tokens[static_cast<int>(WorkClass::kBulk)];
  }

  SchedulerSnapshot Snapshot() const override {
    SchedulerSnapshot snapshot;
    MutexLock lock(mutex_);
    const absl::Duration now = clock_.MonotonicNow();
    for (int c = 0; c < kNumWorkClasses; ++c) {
      snapshot.queued_tokens[c] = queued_.tokens[c];
      snapshot.queued_works[c] = queued_.works[c];
      snapshot.oldest_wait[c] = OldestWait(c, now);
    }
    snapshot.patient_tokens = queued_.patient_tokens;
    snapshot.oldest_prompt_wait = LaneWait(kPromptLane, now);
    snapshot.overloaded = codel_.standing();
    return snapshot;
  }

  void Close() override {
    Formed formed;
    {
      MutexLock lock(mutex_);
      closed_ = true;
      for (Entries& queue : queues_) formed.dropped.splice(formed.dropped.end(), queue);
      queued_ = Totals();
      arrived_.NotifyAll();
    }
    formed.drop_reasons.assign(formed.dropped.size(), ClosedError());
    HandOut(std::move(formed));
  }

 private:
  absl::Status Accept(Entries entries) {
    if (entries.empty()) return absl::OkStatus();
    Totals brought;
    for (const Entry& entry : entries) {
      if (entry.work.tokens.empty()) return absl::InvalidArgumentError("a text to encode has no tokens");
      brought.Add(entry);
    }
    {
      MutexLock lock(mutex_);
      if (closed_) return ClosedError();
      // Read under the lock, so that a queue is in the order of its times.
      const absl::Duration now = clock_.MonotonicNow();
      for (int c = 0; c < kNumWorkClasses; ++c) {
        if (absl::Status room = CheckRoom(c, brought, now); !room.ok()) return room;
      }
      Enqueue(std::move(entries), now);
    }
    NotifyChange(brought, +1);
    return absl::OkStatus();
  }

  absl::Status CheckRoom(int c, const Totals& brought, absl::Duration now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const int64_t max_tokens = options_.max_queued_tokens[c];
    const int max_works = options_.max_queued_works[c];
    if (brought.works[c] == 0 || (queued_.tokens[c] + brought.tokens[c] <= max_tokens &&
                                  queued_.works[c] + brought.works[c] <= max_works)) {
      return absl::OkStatus();
    }
    const std::string limits =
        absl::StrCat("the ", WorkClassName(static_cast<WorkClass>(c)), " queue holds at most ", max_tokens,
                     " tokens in ", max_works, " texts");
    const std::string wanted = absl::StrCat(brought.tokens[c], " tokens in ", brought.works[c], " texts");
    if (brought.tokens[c] > max_tokens || brought.works[c] > max_works) {
      return WithReason(
          absl::ResourceExhaustedError(absl::StrCat(limits, "; these are ", wanted, ": send fewer at once")),
          "QUEUE_FULL");
    }
    // What is oldest now has waited about as long as it takes to get through a full queue.
    const absl::Duration delay = std::clamp(OldestWait(c, now), absl::Seconds(1), absl::Seconds(60));
    return WithRetryDelay(WithReason(absl::ResourceExhaustedError(absl::StrCat(
                                         limits, " and has no room for ", wanted, ": try later")),
                                     "QUEUE_FULL"),
                          delay);
  }

  void Enqueue(Entries entries, absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const bool many = entries.size() > 1;
    while (!entries.empty()) {
      Entry& entry = entries.front();
      entry.submitted = now;
      Entries& queue = queues_[entry.lane()];
      if (queue.empty()) shares_.BecomeBacklogged(LaneOf(entry.work), queued_.works[entry.work_class()] == 0);
      if (entry.lane() == kPromptLane) shares_.prompt_came = now;
      queued_.Add(entry);
      queue.splice(queue.end(), entries, entries.begin());
    }
    many ? arrived_.NotifyAll() : arrived_.NotifyOne();
  }

  Formed Form(const MicroBatchLimits& limits) {
    const int visible_works = VisibleWorks(options_, limits);
    Formed formed;
    MutexLock lock(mutex_);
    formed.closed = closed_;
    formed.now = clock_.MonotonicNow();
    if (limits.only_prompt && queues_[kPromptLane].empty()) return formed;
    patience_[kPromptLane] = codel_.Patience(LaneWait(kPromptLane, formed.now), formed.now);
    std::array<std::vector<Entries::iterator>, kNumLanes> visible;
    std::array<std::vector<WaitingWork>, kNumLanes> waiting;
    for (int lane = 0; lane < kNumLanes; ++lane) {
      visible[lane] = SweepOldest(lane, visible_works, formed);
      for (const Entries::iterator& entry : visible[lane])
        waiting[lane].push_back({entry->tokens(), entry->submitted, entry->work.call_came});
    }
    BatchChoice choice =
        ChooseBatch({waiting[0], waiting[1], waiting[2]}, formed.now, limits, options_, shares_);
    shares_ = choice.shares;
    for (const BatchChoice::Pick& pick : choice.picks) {
      const int lane = static_cast<int>(pick.lane);
      queued_.Remove(*visible[lane][pick.index]);
      formed.batch.splice(formed.batch.end(), queues_[lane], visible[lane][pick.index]);
    }
    return formed;
  }

  // Up to `count` of the lane's oldest works that are still wanted; those met that are not move to `formed`.
  std::vector<Entries::iterator> SweepOldest(int lane, int count, Formed& formed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Entries& queue = queues_[lane];
    std::vector<Entries::iterator> wanted;
    for (auto it = queue.begin(); it != queue.end() && static_cast<int>(wanted.size()) < count;) {
      const auto entry = it++;
      absl::Status reason = CheckWanted(entry->work, formed.now);
      if (const absl::Duration waited = formed.now - entry->submitted;
          reason.ok() && waited > patience_[lane]) {
        reason = OverloadedError(waited, patience_[lane]);
      }
      if (reason.ok()) {
        wanted.push_back(entry);
        continue;
      }
      queued_.Remove(*entry);
      formed.drop_reasons.push_back(std::move(reason));
      formed.dropped.splice(formed.dropped.end(), queue, entry);
    }
    return wanted;
  }

  // Answers what was dropped and turns the rest into a batch. Not under the lock: this calls out.
  std::optional<MicroBatch> HandOut(Formed formed) {
    Totals left;
    for (const Entry& entry : formed.batch) left.Add(entry);
    for (const Entry& entry : formed.dropped) left.Add(entry);
    NotifyChange(left, -1);
    auto reason = formed.drop_reasons.begin();
    for (Entry& entry : formed.dropped) {
      if (observer_ != nullptr) observer_->OnWorkDropped(entry.work.work_class, *reason);
      std::move(entry.work.done)(*reason++);
    }
    if (formed.batch.empty()) return std::nullopt;
    MicroBatch batch;
    std::vector<absl::Duration> waits;
    for (Entry& entry : formed.batch) {
      batch.tokens += entry.tokens();
      waits.push_back(formed.now - entry.submitted);
      batch.works.push_back(std::move(entry.work));
    }
    if (observer_ != nullptr) observer_->OnBatchFormed(batch, waits);
    return batch;
  }

  void NotifyChange(const Totals& change, int sign) {
    if (observer_ == nullptr) return;
    for (int c = 0; c < kNumWorkClasses; ++c) {
      if (change.works[c] > 0) observer_->OnQueueChanged(static_cast<WorkClass>(c), sign * change.tokens[c]);
    }
  }

  bool Empty() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return std::all_of(queues_.begin(), queues_.end(), [](const Entries& queue) { return queue.empty(); });
  }

  absl::Duration OldestWait(int c, absl::Duration now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (c == static_cast<int>(WorkClass::kBulk)) return LaneWait(kBulkLane, now);
    return std::max(LaneWait(kPromptLane, now), LaneWait(kPatientLane, now));
  }

  absl::Duration LaneWait(int lane, absl::Duration now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return queues_[lane].empty() ? absl::ZeroDuration() : now - queues_[lane].front().submitted;
  }

  const SchedulerOptions options_;
  const Clock& clock_;
  SchedulerObserver* const observer_;

  mutable Mutex mutex_;
  CondVar arrived_;
  std::array<Entries, kNumLanes> queues_ ABSL_GUARDED_BY(mutex_);  // each oldest first
  Totals queued_ ABSL_GUARDED_BY(mutex_);
  ClassShares shares_ ABSL_GUARDED_BY(mutex_);
  Codel codel_ ABSL_GUARDED_BY(mutex_);
  // How long a work may have waited, by lane; of the batch being formed.
  std::array<absl::Duration, kNumLanes> patience_ ABSL_GUARDED_BY(mutex_) = {
      absl::InfiniteDuration(), absl::InfiniteDuration(), absl::InfiniteDuration()};
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

const char* WorkClassName(WorkClass work_class) {
  return work_class == WorkClass::kInteractive ? "interactive" : "bulk";
}

absl::StatusOr<std::unique_ptr<MicroBatchScheduler>> MicroBatchScheduler::Create(
    SchedulerOptions options, const Clock& clock, SchedulerObserver* observer) {
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  return std::make_unique<ListScheduler>(options, clock, observer);
}

}  // namespace sluice
