#include "tests/simulation/server_process.h"

#include <utility>

#include "gtest/gtest.h"
#include "tests/simulation/stepped_stages.h"

namespace sluice {
namespace {

// The id that the tokenizer gives the word "poison": a pass with it fails, alone and in company.
int32_t PoisonId(const Tokenizer& tokenizer) {
  return tokenizer.Encode("poison", kMaxTokens, Truncation::kError)->ids[1];
}

}  // namespace

ServerProcess::ServerProcess(World& world, const ServerShape& shape, std::function<void(absl::Status)> ended)
    : world_(world),
      shape_(shape),
      ended_(std::move(ended)),
      has_model_(!world.faults.Fires(FaultSite::kNoModel)),
      encoder_({.max_tokens = kMaxTokens, .poison_id = PoisonId(world.tokenizer)}),
      scheduler_(*MicroBatchScheduler::Create(shape.scheduler, world.clock, nullptr)) {}

ServerProcess::~ServerProcess() {
  dead_ = true;
}

void ServerProcess::Begin(SimulatedLink& link) {
  PipelineParts parts;
  parts.queue = &link;
  parts.upkeep = &link;
  parts.stages = &SteppedStages();
  parts.screen_codec = &world_.codec;
  parts.embed_codec = &world_.codec;
  if (has_model_) parts.scheduler = scheduler_.get();
  if (has_model_) parts.tokenizer = &world_.tokenizer;
  parts.executor = this;
  parts.clock = &world_.clock;
  PipelineOptions options = shape_.pipeline;
  options.max_tokens = has_model_ ? kMaxTokens : 0;
  options.model_digest = has_model_ ? "model-1" : "";
  EXPECT_TRUE(PipelineBody::Check(options, parts).ok());
  body_ = std::make_unique<PipelineBody>(options, parts, SteppedWork(world_));
  const absl::Duration sent = world_.timeline.Now();
  link.OpenSession(options.session_lease, [this, sent](absl::StatusOr<SessionId> session) {
    if (!session.ok()) return End(session.status());
    body_->Start(*session, sent);
  });
}

void ServerProcess::Post(absl::Duration delay, Closure closure) {
  world_.timeline.After(delay, [weak = weak_from_this(), closure = std::move(closure)]() mutable {
    const std::shared_ptr<ServerProcess> self = weak.lock();
    if (self != nullptr && !self->dead_) self->Run(std::move(closure));
  });
}

void ServerProcess::Run(Closure closure) {
  const absl::Duration now = world_.timeline.Now();
  if (now < still_until_) return Post(still_until_ - now, std::move(closure));
  std::move(closure)();
  if (dead_) return;
  ScheduleTurn(now + world_.dice.Between(absl::ZeroDuration(), absl::Microseconds(300)));
  ScheduleDevice();
}

void ServerProcess::ScheduleTurn(absl::Duration due) {
  if (due >= turn_due_) return;
  turn_due_ = due;
  const absl::Duration delay = due - world_.timeline.Now();
  world_.timeline.After(delay, [weak = weak_from_this(), due] {
    const std::shared_ptr<ServerProcess> self = weak.lock();
    if (self != nullptr && !self->dead_ && self->turn_due_ == due) self->Turn();
  });
}

void ServerProcess::Turn() {
  turn_due_ = absl::InfiniteDuration();
  if (world_.timeline.Now() < still_until_) return ScheduleTurn(still_until_);
  const absl::Duration next = body_->loop().Turn();
  if (dead_) return;
  if (next < absl::InfiniteDuration())
    ScheduleTurn(std::max(next, world_.timeline.Now() + absl::Microseconds(1)));
  ScheduleDevice();
}

bool ServerProcess::TrySchedule(Closure closure) {
  if (world_.faults.Fires(FaultSite::kFullExecutor)) return false;
  Post(world_.dice.Between(absl::Microseconds(10), absl::Milliseconds(3)), std::move(closure));
  return true;
}

// --- the device

void ServerProcess::ScheduleDevice() {
  if (device_scheduled_ || encoding_) return;
  const SchedulerSnapshot queued = scheduler_->Snapshot();
  if (queued.queued_works[0] + queued.queued_works[1] == 0) return;
  device_scheduled_ = true;
  Post(world_.dice.Between(absl::ZeroDuration(), absl::Milliseconds(2)), [this] {
    device_scheduled_ = false;
    TakeMicroBatch();
  });
}

void ServerProcess::TakeMicroBatch() {
  std::optional<MicroBatch> batch = scheduler_->TryNextBatch(shape_.device);
  if (!batch.has_value()) return;
  encoding_ = true;
  absl::Duration time = world_.dice.Between(absl::Milliseconds(1), absl::Milliseconds(20));
  if (world_.faults.Fires(FaultSite::kSlowDevice))
    time = world_.dice.Between(absl::Seconds(5), absl::Seconds(40));
  Post(time, [this, batch = *std::move(batch)]() mutable {
    encoding_ = false;
    Encode(std::move(batch));
  });
}

void ServerProcess::Encode(MicroBatch batch) {
  if (world_.faults.Fires(FaultSite::kBrokenDevice)) {
    for (EncodeWork& work : batch.works)
      std::move(work.done)(absl::InternalError("simulated: the device failed"));
    return;
  }
  std::vector<absl::Span<const int32_t>> texts;
  for (const EncodeWork& work : batch.works) texts.emplace_back(work.tokens);
  const auto dimensions = static_cast<size_t>(encoder_.description().dimensions);
  std::vector<float> vectors(texts.size() * dimensions);
  const std::vector<absl::Status> statuses =
      EncodeWithFallback(encoder_, texts, absl::MakeSpan(vectors), *this);
  for (size_t i = 0; i < texts.size(); ++i) {
    if (!statuses[i].ok()) {
      std::move(batch.works[i].done)(statuses[i]);
      continue;
    }
    const auto begin = vectors.begin() + static_cast<ptrdiff_t>(i * dimensions);
    std::move(batch.works[i].done)(std::vector<float>(begin, begin + static_cast<ptrdiff_t>(dimensions)));
  }
}

void ServerProcess::CallInteractively() {
  Post(absl::ZeroDuration(), [this] {
    EncodeWork work;
    work.tokens = world_.tokenizer.Encode("an interactive call", kMaxTokens, Truncation::kError)->ids;
    work.work_class = WorkClass::kInteractive;
    work.deadline = world_.timeline.Now() + world_.dice.Between(absl::Milliseconds(1), absl::Seconds(2));
    CancellationSource cancellation;
    work.cancellation = cancellation.token();
    if (world_.dice.OneIn(4)) cancellation.Cancel();
    work.done = [this](const absl::StatusOr<std::vector<float>>&) {
      ++answers_;
      world_.faults.Reached(Landmark::kInteractiveCall);
    };
    if (scheduler_->Submit(std::move(work)).ok()) ++calls_;
  });
}

// --- the end

void ServerProcess::OnReady() {
  Post(world_.dice.Between(absl::ZeroDuration(), absl::Milliseconds(1)), [this] { body_->OnReady(); });
}

void ServerProcess::Drain(absl::Duration grace) {
  if (draining_) return;
  draining_ = true;
  Post(absl::ZeroDuration(), [this, grace] {
    body_->Drain([this] {
      if (over_) return;
      world_.faults.Reached(Landmark::kDrainedInTime);
      End(absl::OkStatus());
    });
    Post(grace, [this] {
      if (over_) return;
      world_.faults.Reached(Landmark::kDrainCutShort);
      body_->CloseSession([this] { End(absl::OkStatus()); });
      Post(absl::Seconds(5), [this] { End(absl::OkStatus()); });
    });
  });
}

void ServerProcess::End(const absl::Status& how) {
  if (over_) return;
  over_ = true;
  world_.timeline.After(absl::ZeroDuration(), [weak = weak_from_this(), how] {
    const std::shared_ptr<ServerProcess> self = weak.lock();
    if (self != nullptr && !self->dead_) self->ended_(how);
  });
}

}  // namespace sluice
