#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/pipeline/batch_cache.h"
#include "core/pipeline/job_stages.h"
#include "core/pipeline/page_screening.h"
#include "core/pipeline/screen_codec.h"
#include "core/pipeline/stage_ends.h"
#include "core/pipeline/store_call.h"
#include "core/pipeline/window_encode.h"
#include "core/screening/screener.h"

namespace sluice {
namespace {

// What scoring needs of a batch.
struct ScoredBatch {
  std::unique_ptr<const Screener> screener;
  GatePlan plan;
  std::vector<float> profile_vector;
};

constexpr int kMaxBatches = 8;

// What work off the loop takes, roughly, for the batches' fair turns.
constexpr int64_t kStepsPerTokenizedByte = 8;
constexpr int64_t kStepsPerVerdict = 4'000;

// Decodes and compiles; the profile's vector is still to come.
absl::StatusOr<std::shared_ptr<ScoredBatch>> CompileScored(const ScreenCodec& codec, const Batch& batch,
                                                           const std::string& model_digest) {
  auto scored = std::make_shared<ScoredBatch>();
  SLUICE_ASSIGN_OR_RETURN(scored->plan, codec.DecodePlan(batch.plan));
  if (scored->plan.model_digest != model_digest) {
    return WithReason(absl::FailedPreconditionError(
                          absl::StrCat("the batch was planned with model ", scored->plan.model_digest,
                                       ", this server has ", model_digest, "; submit it again")),
                      "MODEL_CHANGED");
  }
  SLUICE_ASSIGN_OR_RETURN(const ScreenSpec spec, codec.DecodeScreenSpec(batch.spec));
  SLUICE_ASSIGN_OR_RETURN(scored->screener, Screener::Compile(spec.profile));
  return scored;
}

// An encoder that cannot take the profile will not take it the next time either; a closed scheduler may pass.
absl::Status ProfileError(const absl::Status& status) {
  if (absl::IsUnavailable(status)) return status;
  return WithReason(absl::InternalError(absl::StrCat("the profile could not be encoded: ", status.message())),
                    "PROFILE_NOT_ENCODED");
}

class ScreenScoreStage final : public JobStage {
 public:
  ScreenScoreStage(PipelineContext& context, const ScreenCodec& codec);
  void Start(LeasePtr lease) override;

 private:
  struct Job;  // one posting under way
  using JobPtr = std::shared_ptr<Job>;
  using BatchDone = BatchCache<ScoredBatch>::Done;

  void MakeBatch(const std::string& batch_id, BatchDone made);
  void Compile(const Batch& batch, BatchDone made);
  void EncodeProfile(const std::shared_ptr<ScoredBatch>& scored, TokenWindows windows, BatchDone made);
  void Prepare(const JobPtr& job);
  absl::Status Read(Job& job, WorkBudget& budget) const;
  void Submit(const JobPtr& job);
  void Judge(const JobPtr& job, std::vector<float> vector);

  PipelineContext& context_;
  const ScreenCodec& codec_;
  BatchCache<ScoredBatch> batches_;
};

struct ScreenScoreStage::Job {
  LeasePtr lease;
  std::shared_ptr<const ScoredBatch> batch;
  PhaseOneResult phase_one;
  TokenWindows windows;
  int num_windows = 0;
};

ScreenScoreStage::ScreenScoreStage(PipelineContext& context, const ScreenCodec& codec)
    : context_(context),
      codec_(codec),
      batches_(kMaxBatches, [this](const std::string& batch_id, BatchDone made) {
        MakeBatch(batch_id, std::move(made));
      }) {}

void ScreenScoreStage::Start(LeasePtr lease) {
  if (!context_.has_model()) return context_.sink->GiveBack(lease);  // it waits for a process that has one
  batches_.Get(lease->claim.batch_id, [this, lease](BatchCache<ScoredBatch>::Answer batch) {
    if (!batch.ok()) return EndUnread(context_, lease, batch.status());
    auto job = std::make_shared<Job>();
    job->lease = lease;
    job->batch = *batch;
    Prepare(job);
  });
}

void ScreenScoreStage::MakeBatch(const std::string& batch_id, BatchDone made) {
  context_.parts.queue->ReadBatch(batch_id,
                                  context_.loop->Answer<absl::StatusOr<Batch>>(
                                      [this, made = std::move(made)](absl::StatusOr<Batch> batch) mutable {
                                        if (!batch.ok()) return std::move(made)(batch.status());
                                        Compile(*batch, std::move(made));
                                      }));
}

void ScreenScoreStage::Compile(const Batch& batch, BatchDone made) {
  context_.loop->Offload(batch.id, [this, batch, made = std::move(made)]() mutable {
    auto scored = CompileScored(codec_, batch, context_.options.model_digest);
    TokenWindows windows;
    if (scored.ok()) {
      windows = context_.parts.tokenizer->EncodeWindows((*scored)->screener->profile_text(),
                                                        context_.options.max_tokens);
    }
    context_.loop->Post(
        [this, scored = std::move(scored), windows = std::move(windows), made = std::move(made)]() mutable {
          if (!scored.ok()) return std::move(made)(scored.status());
          EncodeProfile(*scored, std::move(windows), std::move(made));
        });
    return StepsToCompile(batch.spec.size());
  });
}

void ScreenScoreStage::EncodeProfile(const std::shared_ptr<ScoredBatch>& scored, TokenWindows windows,
                                     BatchDone made) {
  auto shared_made = std::make_shared<BatchDone>(std::move(made));
  const absl::Status submitted =
      EncodeWindows(*context_.loop, *context_.parts.scheduler, std::move(windows), CancellationToken(),
                    [scored, shared_made](absl::StatusOr<std::vector<float>> vector) {
                      if (!vector.ok()) return std::move(*shared_made)(ProfileError(vector.status()));
                      scored->profile_vector = *std::move(vector);
                      std::move (*shared_made)(std::shared_ptr<const ScoredBatch>(scored));
                    });
  if (!submitted.ok()) std::move (*shared_made)(submitted);
}

void ScreenScoreStage::Prepare(const JobPtr& job) {
  context_.loop->Offload(job->lease->claim.batch_id, [this, job] {
    WorkBudget budget(job->lease->cancellation.token());
    absl::Status read;
    if (job->lease->stop == StopReason::kNone) read = Read(*job, budget);
    const int64_t steps =
        budget.spent() + kStepsPerTokenizedByte * static_cast<int64_t>(job->lease->claim.payload.size());
    context_.loop->Post([this, job, read] {
      if (job->lease->stop != StopReason::kNone) return context_.sink->Stop(job->lease);
      if (!read.ok()) return context_.sink->Finish(job->lease, FailedOutcome(read));
      Submit(job);
    });
    return steps;
  });
}

// Phase one again, with all its reasons, and the text as tokens.
absl::Status ScreenScoreStage::Read(Job& job, WorkBudget& budget) const {
  const Claimed& claim = job.lease->claim;
  SLUICE_ASSIGN_OR_RETURN(const Posting posting, codec_.DecodePosting(claim.job_id, claim.payload));
  SLUICE_ASSIGN_OR_RETURN(job.phase_one,
                          job.batch->screener->Explain(posting, job.batch->plan.as_of, budget));
  job.windows = context_.parts.tokenizer->EncodeWindows(PostingText(posting), context_.options.max_tokens);
  return absl::OkStatus();
}

void ScreenScoreStage::Submit(const JobPtr& job) {
  job->num_windows = static_cast<int>(job->windows.size());
  const int64_t tokens = CountTokens(job->windows);
  const absl::Status submitted =
      EncodeWindows(*context_.loop, *context_.parts.scheduler, std::move(job->windows),
                    job->lease->cancellation.token(), [this, job](absl::StatusOr<std::vector<float>> vector) {
                      if (!vector.ok()) return EndUnencoded(context_, job->lease, vector.status());
                      Judge(job, *std::move(vector));
                    });
  if (!submitted.ok()) return EndRefused(context_, job->lease, submitted);
  context_.sink->Submitted(job->lease, tokens);
}

void ScreenScoreStage::Judge(const JobPtr& job, std::vector<float> vector) {
  context_.loop->Offload(job->lease->claim.batch_id, [this, job, vector = std::move(vector)] {
    const double cosine = Cosine(job->batch->profile_vector, vector);
    const Verdict verdict = job->batch->screener->VerdictWithModel(
        job->batch->plan, std::move(job->phase_one), cosine, job->num_windows);
    NewOutcome outcome = VerdictOutcome(codec_, verdict);
    context_.loop->Post([this, job, outcome = std::move(outcome)]() mutable {
      context_.sink->Finish(job->lease, std::move(outcome));
    });
    return kStepsPerVerdict;
  });
}

}  // namespace

std::unique_ptr<JobStage> MakeScreenScoreStage(PipelineContext& context) {
  return std::make_unique<ScreenScoreStage>(context, *context.parts.screen_codec);
}

}  // namespace sluice
