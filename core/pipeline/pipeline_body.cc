#include "core/pipeline/pipeline_body.h"

#include <utility>

#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/pipeline/job_stages.h"

namespace sluice {
absl::Status PipelineBody::Check(const PipelineOptions& options, const PipelineParts& parts) {
  if (parts.queue == nullptr || parts.upkeep == nullptr || parts.screen_codec == nullptr ||
      parts.embed_codec == nullptr || parts.executor == nullptr || parts.clock == nullptr) {
    return absl::InvalidArgumentError(
        "queue, upkeep, screen_codec, embed_codec, executor and clock must be given");
  }
  const bool has_model = parts.scheduler != nullptr;
  if (has_model != (parts.tokenizer != nullptr)) {
    return absl::InvalidArgumentError("scheduler and tokenizer come together or not at all");
  }
  const ArchiveParts& archive = parts.archive;
  const bool has_parser = archive.parser != nullptr;
  if (has_parser != (archive.library != nullptr) || has_parser != (archive.contents != nullptr) ||
      has_parser != (archive.codec != nullptr)) {
    return absl::InvalidArgumentError("the archive's parts come together or not at all");
  }
  SLUICE_RETURN_IF_ERROR(CheckPositive("session_lease", options.session_lease));
  SLUICE_RETURN_IF_ERROR(CheckPositive("heartbeat_interval", options.heartbeat_interval));
  SLUICE_RETURN_IF_ERROR(CheckPositive("sweep_interval", options.sweep_interval));
  SLUICE_RETURN_IF_ERROR(CheckRange("phase_one_workers", options.phase_one_workers, 1, 256));
  SLUICE_RETURN_IF_ERROR(CheckRange("max_claimed_jobs", options.max_claimed_jobs, 1, 1 << 20));
  SLUICE_RETURN_IF_ERROR(CheckRange("kept_result_bytes", options.kept_result_bytes, 0, int64_t{1} << 40));
  if (!has_model) return absl::OkStatus();
  SLUICE_RETURN_IF_ERROR(
      CheckRange("credit_target_tokens", options.credit_target_tokens, 1, int64_t{1} << 40));
  return CheckRange("max_tokens", options.max_tokens, 3, 1 << 20);
}

PipelineBody::PipelineBody(PipelineOptions options, const PipelineParts& parts, const MoreStages& more)
    : context_(MakeContext(std::move(options), parts)), source_(context_, MakeStages(context_, more)) {
  context_.sink = &source_;
  context_.meters->SetPhaseOneWorkers(context_.options.phase_one_workers);
}

PipelineBody::~PipelineBody() {
  context_.loop->Close();
  context_.loop->AwaitOffloaded();
}

JobSource::Stages PipelineBody::MakeStages(PipelineContext& context, const MoreStages& more) {
  JobSource::Stages stages;
  for (const StageMaker& maker : kStageMakers) stages[maker.stage] = maker.make(context);
  for (const auto& [stage, make] : more) stages[stage] = make(context);
  return stages;
}

PipelineContext PipelineBody::MakeContext(PipelineOptions options, const PipelineParts& parts) {
  PipelineContext context;
  context.options = std::move(options);
  context.parts = parts;
  context.loop =
      std::make_shared<PipelineLoop>(*parts.clock, *parts.executor, context.options.phase_one_workers);
  context.meters = std::make_unique<JobMeters>(parts.metrics);
  context.books = std::make_unique<BooksInWork>(*context.loop);
  return context;
}

void PipelineBody::Start(SessionId session, absl::Duration sent) {
  context_.loop->Post([this, session, sent] {
    source_.Start(session, sent);
    Upkeep();
  });
}

void PipelineBody::OnReady() {
  if (ready_posted_.exchange(true)) return;
  context_.loop->Post([this] {
    ready_posted_ = false;
    source_.OnReady();
  });
}

void PipelineBody::OnBatchEnded(const std::string& batch_id) {
  context_.loop->Post([this, batch_id] {
    source_.OnBatchEnded(batch_id);
    context_.books->OnBatchEnded(batch_id);
  });
}

void PipelineBody::Drain(Closure drained) {
  context_.loop->Post([this, drained = std::move(drained)]() mutable { source_.Drain(std::move(drained)); });
}

void PipelineBody::CloseSession(Closure closed) {
  context_.loop->Post(
      [this, closed = std::move(closed)]() mutable { source_.CloseSession(std::move(closed)); });
}

void PipelineBody::Upkeep() {
  context_.loop->After(context_.options.sweep_interval, [this] { Upkeep(); });
  context_.meters->SetSaturation(source_.Saturation());
  context_.parts.upkeep->Sweep(context_.options.retention, context_.options.upload_age,
                               [](const absl::StatusOr<SweepReply>&) {});
  context_.parts.upkeep->Stats(
      context_.loop->Answer<absl::StatusOr<StoreStats>>([this](const absl::StatusOr<StoreStats>& stats) {
        if (stats.ok()) context_.meters->SetQueue(*stats, context_.has_model(), context_.loop->Now());
      }));
}

}  // namespace sluice
