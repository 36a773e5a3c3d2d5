#include "core/inference/embedder.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

using Done = absl::AnyInvocable<void(absl::StatusOr<EmbedAnswer>) &&>;

// One Embed in flight. Every work writes its own places; the last to finish answers.
class CallInFlight {
 public:
  CallInFlight(EmbedCall call, Done done) : call_(std::move(call)), done_(std::move(done)) {}

  const EmbedCall& call() const { return call_; }

  // Before any work is submitted.
  void Expect(size_t works, int dimensions) {
    dimensions_ = static_cast<size_t>(dimensions);
    statuses_.resize(works);
    answer_.vectors.resize(works * dimensions_);
    missing_.store(works, std::memory_order_relaxed);
  }

  EmbedAnswer& answer() { return answer_; }

  void FinishWork(size_t index, absl::StatusOr<std::vector<float>> vector) {
    if (!vector.ok()) {
      statuses_[index] = std::move(vector).status();
    } else if (vector->size() != dimensions_) {
      statuses_[index] = absl::InternalError(
          absl::StrCat("the encoder made a vector of ", vector->size(), " dimensions, want ", dimensions_));
    } else {
      std::copy(vector->begin(), vector->end(),
                answer_.vectors.begin() + static_cast<ptrdiff_t>(index * dimensions_));
    }
    if (missing_.fetch_sub(1, std::memory_order_acq_rel) == 1) FinishAll();
  }

  void Fail(absl::Status status) { std::move(done_)(std::move(status)); }
  void Succeed() { std::move(done_)(std::move(answer_)); }

 private:
  void FinishAll() {
    const auto failed =
        std::find_if(statuses_.begin(), statuses_.end(), [](const auto& s) { return !s.ok(); });
    failed == statuses_.end() ? Succeed() : Fail(std::move(*failed));
  }

  EmbedCall call_;
  Done done_;
  size_t dimensions_ = 0;
  EmbedAnswer answer_;
  std::vector<absl::Status> statuses_;
  std::atomic<size_t> missing_ = 0;
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
    if (executor_.TrySchedule([this, in_flight] { TokenizeAndSubmit(in_flight); })) return;
    in_flight->Fail(WithReason(
        absl::ResourceExhaustedError("too many calls wait to be tokenized; try again later"), "QUEUE_FULL"));
  }

 private:
  void TokenizeAndSubmit(const std::shared_ptr<CallInFlight>& in_flight) {
    auto works = Tokenize(in_flight);
    if (!works.ok()) return in_flight->Fail(std::move(works).status());
    if (works->empty()) return in_flight->Succeed();
    const absl::Status submitted = scheduler_.SubmitAll(*std::move(works));
    if (!submitted.ok()) in_flight->Fail(submitted);
  }

  absl::StatusOr<std::vector<EncodeWork>> Tokenize(const std::shared_ptr<CallInFlight>& in_flight) {
    const EmbedCall& call = in_flight->call();
    in_flight->Expect(call.texts.size(), options_.dimensions);
    std::vector<EncodeWork> works;
    works.reserve(call.texts.size());
    for (size_t i = 0; i < call.texts.size(); ++i) {
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
                       .done = [in_flight, i](absl::StatusOr<std::vector<float>> vector) {
                         in_flight->FinishWork(i, std::move(vector));
                       }});
    }
    return works;
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
