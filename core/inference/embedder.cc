#include "core/inference/embedder.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

using Done = absl::AnyInvocable<void(absl::StatusOr<EmbedAnswer>) &&>;

// One Embed in flight. Every work writes its own places; the last to finish answers.
class CallInFlight : public std::enable_shared_from_this<CallInFlight> {
 public:
  CallInFlight(EmbedCall call, Done done) : call_(std::move(call)), done_(std::move(done)) {}

  const EmbedCall& call() const { return call_; }
  EmbedAnswer& answer() { return answer_; }

  // `works` are those of all texts, at least one.
  void Start(std::vector<EncodeWork> works, const Embedder::Options& options,
             MicroBatchScheduler& scheduler) {
    dimensions_ = static_cast<size_t>(options.dimensions);
    scheduler_ = &scheduler;
    works_ = std::move(works);
    statuses_.resize(works_.size());
    answer_.vectors.resize(works_.size() * dimensions_);
    missing_.store(works_.size(), std::memory_order_relaxed);
    const bool large = works_.size() > static_cast<size_t>(options.max_waiting_texts);
    for (size_t i = 0; i < works_.size(); ++i) {
      works_[i].patient = large;
      works_[i].done = [self = shared_from_this(), i](absl::StatusOr<std::vector<float>> vector) {
        self->FinishWork(i, std::move(vector));
      };
    }
    const size_t first = std::min(works_.size(), static_cast<size_t>(options.max_waiting_texts));
    next_.store(first, std::memory_order_relaxed);
    std::vector<EncodeWork> submitted(
        std::make_move_iterator(works_.begin()),
        std::make_move_iterator(works_.begin() + static_cast<ptrdiff_t>(first)));
    const absl::Status status = scheduler.SubmitAll(std::move(submitted));
    if (!status.ok()) {
      works_.clear();  // which hold this
      Fail(status);
    }
  }

  void Fail(absl::Status status) { std::move(done_)(std::move(status)); }
  void Succeed() { std::move(done_)(std::move(answer_)); }

 private:
  void FinishWork(size_t index, absl::StatusOr<std::vector<float>> vector) {
    Keep(index, std::move(vector));
    const size_t finished = 1 + SubmitNext();
    if (missing_.fetch_sub(finished, std::memory_order_acq_rel) == finished) FinishAll();
  }

  void Keep(size_t index, absl::StatusOr<std::vector<float>> vector) {
    if (vector.ok() && vector->size() != dimensions_) {
      vector = absl::InternalError(
          absl::StrCat("the encoder made a vector of ", vector->size(), " dimensions, want ", dimensions_));
    }
    if (vector.ok()) {
      std::copy(vector->begin(), vector->end(),
                answer_.vectors.begin() + static_cast<ptrdiff_t>(index * dimensions_));
      return;
    }
    statuses_[index] = std::move(vector).status();
    failed_.store(true, std::memory_order_relaxed);
  }

  // Returns how many works ended without being submitted: all that are left, once one has failed.
  size_t SubmitNext() {
    for (size_t ended = 0;; ++ended) {
      const size_t index = next_.fetch_add(1, std::memory_order_relaxed);
      if (index >= works_.size()) return ended;
      EncodeWork work = std::move(works_[index]);
      if (failed_.load(std::memory_order_relaxed)) continue;
      const absl::Status status = scheduler_->Submit(std::move(work));
      if (status.ok()) return ended;
      Keep(index, status);
    }
  }

  void FinishAll() {
    const auto failed =
        std::find_if(statuses_.begin(), statuses_.end(), [](const auto& s) { return !s.ok(); });
    failed == statuses_.end() ? Succeed() : Fail(std::move(*failed));
  }

  EmbedCall call_;
  Done done_;
  size_t dimensions_ = 0;
  MicroBatchScheduler* scheduler_ = nullptr;
  EmbedAnswer answer_;
  std::vector<EncodeWork> works_;  // those from next_ on are still to be submitted
  std::vector<absl::Status> statuses_;
  std::atomic<size_t> next_ = 0;
  std::atomic<size_t> missing_ = 0;
  std::atomic<bool> failed_ = false;
};

absl::Status InText(size_t index, const absl::Status& status) {
  const std::string field = absl::StrCat("texts[", index, "]");
  if (absl::IsInvalidArgument(status))
    return WithReason(FieldError(field, status.message()), ReasonOf(status));
  return absl::Status(status.code(), absl::StrCat(field, ": ", status.message()));
}

class SchedulerEmbedder final : public Embedder {
 public:
  SchedulerEmbedder(Options options, const Tokenizer& tokenizer, MicroBatchScheduler& scheduler,
                    Executor& executor)
      : options_(options), tokenizer_(tokenizer), scheduler_(scheduler), executor_(executor) {}

  void Embed(EmbedCall call, Done done) override {
    auto in_flight = std::make_shared<CallInFlight>(std::move(call), std::move(done));
    if (executor_.TrySchedule([this, in_flight] { TokenizeAndSubmit(in_flight, {}); })) return;
    in_flight->Fail(WithRetryDelay(
        WithReason(absl::ResourceExhaustedError("too many calls wait to be tokenized; try again later"),
                   "QUEUE_FULL"),
        absl::Seconds(1)));
  }

 private:
  // A part of the call's texts, then the next in another closure: a large call must not keep others from
  // being tokenized. In this one when the executor has no room.
  void TokenizeAndSubmit(const std::shared_ptr<CallInFlight>& in_flight, std::vector<EncodeWork> works) {
    const size_t texts = in_flight->call().texts.size();
    while (works.size() < texts) {
      const size_t part = std::min(texts, works.size() + static_cast<size_t>(options_.max_waiting_texts));
      if (absl::Status status = Tokenize(in_flight, part, works); !status.ok())
        return in_flight->Fail(std::move(status));
      if (part < texts && ScheduleNext(in_flight, works)) return;
    }
    if (works.empty()) return in_flight->Succeed();
    in_flight->Start(std::move(works), options_, scheduler_);
  }

  bool ScheduleNext(const std::shared_ptr<CallInFlight>& in_flight, std::vector<EncodeWork>& works) {
    auto rest = std::make_shared<std::vector<EncodeWork>>(std::move(works));
    if (executor_.TrySchedule([this, in_flight, rest] { TokenizeAndSubmit(in_flight, std::move(*rest)); }))
      return true;
    works = std::move(*rest);
    return false;
  }

  // Texts from works.size() to `end`.
  absl::Status Tokenize(const std::shared_ptr<CallInFlight>& in_flight, size_t end,
                        std::vector<EncodeWork>& works) {
    const EmbedCall& call = in_flight->call();
    for (size_t i = works.size(); i < end; ++i) {
      if (call.cancellation.cancelled())
        return absl::CancelledError("the call was cancelled before it was tokenized");
      auto sequence = tokenizer_.Encode(call.texts[i], options_.max_tokens, call.truncation);
      if (!sequence.ok()) return InText(i, sequence.status());
      in_flight->answer().tokens.push_back(static_cast<int32_t>(sequence->ids.size()));
      in_flight->answer().truncated.push_back(sequence->truncated);
      works.push_back({.tokens = std::move(sequence->ids),
                       .work_class = WorkClass::kInteractive,
                       .deadline = call.deadline,
                       .cancellation = call.cancellation,
                       .call_came = call.came});
    }
    return absl::OkStatus();
  }

  const Options options_;
  const Tokenizer& tokenizer_;
  MicroBatchScheduler& scheduler_;
  Executor& executor_;
};

}  // namespace

std::unique_ptr<Embedder> Embedder::Create(Options options, const Tokenizer& tokenizer,
                                           MicroBatchScheduler& scheduler, Executor& executor) {
  return std::make_unique<SchedulerEmbedder>(options, tokenizer, scheduler, executor);
}

}  // namespace sluice
