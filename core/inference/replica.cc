#include "core/inference/replica.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/log.h"
#include "core/base/status_macros.h"
#include "core/base/thread.h"
#include "core/batching/batch_policy.h"
#include "core/inference/row_ladder.h"

namespace sluice {
namespace {

// How long a pass of bulk work may take while small calls come: those wait for its end, or where it gives
// way, for the end of a layer.
constexpr absl::Duration kBulkPass = absl::Milliseconds(10);
constexpr absl::Duration kBulkPassThatGivesWay = absl::Milliseconds(20);
constexpr int64_t kBulkTextTokens = 256;  // bulk work is postings and windows of them

// On the CPU a call that comes waits for the end of a pass of calls, so that taking the pass off its core to
// admit one gains it nothing, to refuse one a few milliseconds, and each time both sides find cold caches.
// Into a pass of bulk work a call gets between two layers: that one keeps the system's short turns.
constexpr absl::Duration kTimeSliceOfCalls = absl::Milliseconds(8);

std::string DeviceLabel(const EncoderDescription& encoder) {
  const char* const type = DeviceTypeName(encoder.device);
  return encoder.device == DeviceType::kCpu ? type : absl::StrCat(type, ":", encoder.device_index);
}

}  // namespace

Replica::Replica(ReplicaSpec spec, MicroBatchScheduler& scheduler, const Clock& clock,
                 ServiceMetrics* metrics)
    : spec_(std::move(spec)), scheduler_(scheduler), clock_(clock), metrics_(metrics) {
  status_.name = spec_.name;
  status_.limits = spec_.limits;
}

absl::Status Replica::Prepare() {
  SLUICE_ASSIGN_OR_RETURN(encoder_, std::move(spec_.make_encoder)());
  bulk_pass_ =
      encoder_->SetBetweenLayers([this]() noexcept { GiveWay(); }) ? kBulkPassThatGivesWay : kBulkPass;
  const EncoderDescription& description = encoder_->description();
  device_ = DeviceLabel(description);
  if (metrics_ != nullptr) series_ = metrics_->Replica(device_, PrecisionName(description.precision));
  MutexLock lock(mutex_);
  status_.encoder = description;
  return absl::OkStatus();
}

void Replica::Run(double share_of_device) {
  share_of_device_ = share_of_device;
  while (std::optional<MicroBatch> batch = scheduler_.NextBatch(Limits())) Answer(*std::move(batch));
}

MicroBatchLimits Replica::Limits() const {
  MicroBatchLimits limits = spec_.limits;
  MutexLock lock(mutex_);
  limits.max_bulk_tokens = std::min(limits.max_bulk_tokens, BulkTokens());
  return limits;
}

int64_t Replica::BulkTokens() const {
  const int64_t most = spec_.limits.max_tokens;
  if (!(spec_.cost.seconds_per_token > 0)) return rate_.TokensWithin(bulk_pass_, most);
  const double seconds = absl::ToDoubleSeconds(bulk_pass_) / rate_.Slowness();
  const double tokens = spec_.cost.TokensWithin(seconds, kBulkTextTokens);
  return tokens < static_cast<double>(most) ? std::max<int64_t>(1, static_cast<int64_t>(tokens)) : most;
}

absl::Duration Replica::Predicted(PassSize size) const {
  if (encoder_->description().pads_to_ladder) size.tokens = RowsOnLadder(size.tokens);
  return absl::Seconds(spec_.cost.Seconds(size));
}

void Replica::GiveWay() {
  if (!gives_way_) return;
  MicroBatchLimits limits = Limits();
  limits.only_prompt = true;
  std::optional<MicroBatch> batch = scheduler_.TryNextBatch(limits);
  if (!batch.has_value()) return;
  // The pass that goes on later did not take this long, nor is the device busy twice.
  const absl::Duration paused = clock_.MonotonicNow();
  const absl::Duration pass_began = pass_began_;
  if (series_.has_value()) series_->device_utilization_ratio->Decrement(share_of_device_);
  Answer(*std::move(batch));
  SetTimeSliceOfPass();
  if (series_.has_value()) series_->device_utilization_ratio->Increment(share_of_device_);
  pass_began_ = pass_began + (clock_.MonotonicNow() - paused);
}

void Replica::Answer(MicroBatch batch) {
  const auto dimensions = static_cast<size_t>(encoder_->description().dimensions);
  std::vector<float> vectors(batch.works.size() * dimensions);
  std::vector<absl::Status> statuses = Encode(batch.works, absl::MakeSpan(vectors));
  {
    MutexLock lock(mutex_);
    status_.encoded_jobs +=
        std::count_if(statuses.begin(), statuses.end(), [](const auto& s) { return s.ok(); });
  }
  for (size_t i = 0; i < batch.works.size(); ++i) {
    if (!statuses[i].ok()) {
      std::move(batch.works[i].done)(std::move(statuses[i]));
      continue;
    }
    const auto vector = vectors.begin() + static_cast<ptrdiff_t>(i * dimensions);
    std::move(batch.works[i].done)(std::vector<float>(vector, vector + static_cast<ptrdiff_t>(dimensions)));
  }
}

std::vector<absl::Status> Replica::Encode(absl::Span<const EncodeWork> works, absl::Span<float> vectors) {
  const bool of_a_small_call = std::any_of(
      works.begin(), works.end(), [](const EncodeWork& work) { return LaneOf(work) == Lane::kPrompt; });
  std::vector<absl::Span<const int32_t>> texts;
  texts.reserve(works.size());
  for (const EncodeWork& work : works) texts.emplace_back(work.tokens);
  const bool gave_way = std::exchange(gives_way_, !of_a_small_call);
  SetTimeSliceOfPass();
  std::vector<absl::Status> statuses = EncodeWithFallback(*encoder_, texts, vectors, *this);
  gives_way_ = gave_way;
  return statuses;
}

void Replica::SetTimeSliceOfPass() {
  if (encoder_->description().device != DeviceType::kCpu) return;
  const absl::Duration fitting = gives_way_ ? absl::ZeroDuration() : kTimeSliceOfCalls;
  if (std::exchange(time_slice_, fitting) != fitting) SetTimeSlice(fitting);
}

ReplicaStatus Replica::Status() const {
  MutexLock lock(mutex_);
  ReplicaStatus status = status_;
  status.slowness = rate_.Slowness();
  return status;
}

double Replica::TokensPerSecond() const {
  MutexLock lock(mutex_);
  return rate_.TokensPerSecond();
}

void Replica::BeforePass(const PassSize&) {
  pass_began_ = clock_.MonotonicNow();
  if (series_.has_value()) series_->device_utilization_ratio->Increment(share_of_device_);
}

void Replica::AfterPass(const PassSize& size, const absl::Status& status) {
  const absl::Duration busy = clock_.MonotonicNow() - pass_began_;
  if (series_.has_value()) {
    series_->device_utilization_ratio->Decrement(share_of_device_);
    series_->encode_seconds->Observe(absl::ToDoubleSeconds(busy));
  }
  if (!status.ok()) return;
  if (series_.has_value()) {
    series_->tokens_total->Increment(static_cast<double>(size.tokens));
    if (encoder_->description().pads_to_ladder)
      series_->padding_tokens_total->Increment(static_cast<double>(PaddingRows(size.tokens)));
  }
  MutexLock lock(mutex_);
  status_.encoded_tokens += size.tokens;
  rate_.Add(size.tokens, busy, Predicted(size));
}

void Replica::OnFallback(const FallbackStep& step) {
  const char* const from = step.whole_batch ? "batch" : "half_batch";
  const char* const to = step.to_single ? "single_job" : "half_batch";
  const std::string reason = absl::StatusCodeToString(step.reason.code());
  Log(LogLevel::kWarning, "replica ", spec_.name, " on ", device_, ": a ", from, " of ", step.texts,
      " failed and is tried again in halves: ", step.reason.message());
  if (metrics_ != nullptr) metrics_->CountFallback(from, to, reason);
}

}  // namespace sluice
