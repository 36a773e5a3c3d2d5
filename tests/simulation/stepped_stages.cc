#include "tests/simulation/stepped_stages.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/pipeline/pipeline_context.h"
#include "core/pipeline/store_call.h"
#include "gtest/gtest.h"
#include "tests/contract/stepped_kind.h"

namespace sluice {
namespace {

constexpr size_t kWordsInRange = 4;

std::vector<std::string> RangesOf(const std::string& text) {
  const std::vector<std::string> words = absl::StrSplit(text, ' ');
  std::vector<std::string> ranges;
  for (size_t first = 0; first < words.size(); first += kWordsInRange) {
    const size_t last = std::min(words.size(), first + kWordsInRange);
    ranges.push_back(absl::StrJoin(words.begin() + static_cast<ptrdiff_t>(first),
                                   words.begin() + static_cast<ptrdiff_t>(last), " "));
  }
  return ranges;
}

std::string MadeOf(const std::string& range) {
  return std::string(range.rbegin(), range.rend());
}

bool IsPoisoned(const std::string& range) {
  return range.find("poison") != std::string::npos;
}

// A text of one range goes on at once, a longer one through its tasks.
Step SplitStep(const std::string& text) {
  const std::vector<std::string> ranges = RangesOf(text);
  if (ranges.size() == 1) return Advance{.next = kJoin, .artifact = MadeOf(text)};
  return FanOut{.stage = kPart, .tasks = ranges, .next = kJoin, .artifact = absl::StrCat(ranges.size())};
}

class SplitStage final : public JobStage {
 public:
  explicit SplitStage(PipelineContext& context) : context_(context) {}

  void Start(LeasePtr lease) override {
    context_.loop->Offload(lease->claim.batch_id, [this, lease] {
      Step step = SplitStep(lease->claim.payload);
      context_.loop->Post([this, lease, step = std::move(step)]() mutable {
        if (lease->stop != StopReason::kNone) return context_.sink->Stop(lease);
        context_.sink->Finish(lease, std::move(step));
      });
      return int64_t{1};
    });
  }

 private:
  PipelineContext& context_;
};

class PartStage final : public JobStage {
 public:
  PartStage(PipelineContext& context, World& world) : context_(context), world_(world) {}

  void Start(LeasePtr lease) override {
    EXPECT_LE(++in_flight_, SteppedStages().At(kPart).max_in_flight);
    absl::Duration wait = world_.dice.Between(absl::Milliseconds(1), absl::Milliseconds(100));
    if (world_.faults.Fires(FaultSite::kSlowDevice))
      wait = world_.dice.Between(absl::Seconds(5), absl::Seconds(40));
    context_.loop->After(wait, [this, lease] { OnAnswer(lease); });
  }

 private:
  void OnAnswer(const LeasePtr& lease) {
    --in_flight_;
    if (lease->stop != StopReason::kNone) return context_.sink->Stop(lease);
    if (IsPoisoned(lease->claim.payload))
      return context_.sink->Finish(lease, FailedOutcome(absl::InternalError("poison")));
    NewOutcome outcome;
    outcome.result = MadeOf(lease->claim.payload);
    context_.sink->Finish(lease, std::move(outcome));
  }

  PipelineContext& context_;
  World& world_;
  int in_flight_ = 0;
};

class JoinStage final : public JobStage {
 public:
  JoinStage(PipelineContext& context, World& world) : context_(context), world_(world) {}

  void Start(LeasePtr lease) override { Read(lease, std::make_shared<std::vector<TaskEnd>>()); }

 private:
  using Ends = std::shared_ptr<std::vector<TaskEnd>>;

  // In small pages, so that one reading takes several.
  void Read(const LeasePtr& lease, const Ends& ends) {
    CallStore<std::vector<TaskEnd>>(
        *context_.loop,
        [this, lease, ends](Done<std::vector<TaskEnd>> done) {
          const int next = ends->empty() ? 0 : ends->back().task + 1;
          context_.parts.queue->ReadTasks(lease->claim.batch_id, lease->claim.job_index, next, 3,
                                          std::move(done));
        },
        [lease] { return lease->stop != StopReason::kNone; },
        [this, lease, ends](absl::StatusOr<std::vector<TaskEnd>> page) {
          if (lease->stop != StopReason::kNone) return context_.sink->Stop(lease);
          if (absl::IsNotFound(page.status())) return context_.sink->Drop(lease);
          if (!page.ok()) return context_.sink->Finish(lease, FailedOutcome(page.status()));
          ends->insert(ends->end(), page->begin(), page->end());
          page->empty() ? Join(lease, *ends) : Read(lease, ends);
        });
  }

  void Join(const LeasePtr& lease, const std::vector<TaskEnd>& ends) {
    NewOutcome outcome;
    std::vector<std::string> parts;
    for (const TaskEnd& end : ends) {
      const bool good = end.kind == OutcomeKind::kSucceeded;
      parts.push_back(good ? end.result : absl::StrCat("(", end.error_reason, ")"));
      if (end.error_reason == "INTERNAL") world_.faults.Reached(Landmark::kFailedTask);
      if (end.error_reason == "ATTEMPTS_EXHAUSTED") world_.faults.Reached(Landmark::kExhaustedTask);
    }
    outcome.result = ends.empty() ? lease->claim.artifact
                                  : absl::StrCat(lease->claim.artifact, ":", absl::StrJoin(parts, "|"));
    context_.sink->Finish(lease, std::move(outcome));
  }

  PipelineContext& context_;
  World& world_;
};

}  // namespace

PipelineBody::MoreStages SteppedWork(World& world) {
  PipelineBody::MoreStages work;
  work[kSplit] = [](PipelineContext& context) { return std::make_unique<SplitStage>(context); };
  work[kPart] = [&world](PipelineContext& context) { return std::make_unique<PartStage>(context, world); };
  work[kJoin] = [&world](PipelineContext& context) { return std::make_unique<JoinStage>(context, world); };
  return work;
}

bool IsSteppedResult(const std::string& payload, const std::string& result) {
  const std::vector<std::string> ranges = RangesOf(payload);
  if (ranges.size() == 1) return result == MadeOf(payload);
  const std::vector<std::string> ends = absl::StrSplit(result, absl::MaxSplits(':', 1));
  if (ends.size() != 2 || ends[0] != absl::StrCat(ranges.size())) return false;
  const std::vector<std::string> parts = absl::StrSplit(ends[1], '|');
  if (parts.size() != ranges.size()) return false;
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string made = IsPoisoned(ranges[i]) ? "(INTERNAL)" : MadeOf(ranges[i]);
    if (parts[i] != made && parts[i] != "(ATTEMPTS_EXHAUSTED)") return false;
  }
  return true;
}

}  // namespace sluice
