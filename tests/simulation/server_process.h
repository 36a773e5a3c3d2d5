// ServerProcess: what one life of a simulated server has in memory.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "core/base/executor.h"
#include "core/batching/micro_batch_scheduler.h"
#include "core/inference/encode_fallback.h"
#include "core/pipeline/pipeline_body.h"
#include "tests/fakes/fake_encoder.h"
#include "tests/simulation/simulated_server.h"
#include "tests/simulation/world.h"

namespace sluice {

// Owned by shared_ptr, so that an event of its own can end it. What is posted to a dead process never runs;
// what is posted to one that stands still runs once it goes on.
class ServerProcess final : public std::enable_shared_from_this<ServerProcess>,
                            public Executor,
                            private EncodeObserver {
 public:
  ServerProcess(World& world, const ServerShape& shape, std::function<void(absl::Status)> ended);
  ~ServerProcess() override;

  // Opens a session and begins; `link` must outlive it. A session that cannot be had ends the process.
  void Begin(SimulatedLink& link);
  void Kill() { dead_ = true; }
  void StandStill(absl::Duration time) {
    still_until_ = std::max(still_until_, world_.timeline.Now() + time);
  }
  void Drain(absl::Duration grace);
  void OnReady();
  void CallInteractively();

  void Post(absl::Duration delay, Closure closure);
  bool alive() const { return !dead_; }
  bool draining() const { return draining_; }
  bool has_model() const { return has_model_; }
  bool AllCallsAnswered() const { return calls_ == answers_; }

  // Executor: for phase one, tokenizing and verdicts.
  bool TrySchedule(Closure closure) override;

 private:
  void Run(Closure closure);
  void ScheduleTurn(absl::Duration due);  // monotonic
  void Turn();
  void ScheduleDevice();
  void TakeMicroBatch();
  void Encode(MicroBatch batch);
  void End(const absl::Status& how);

  void BeforePass(const PassSize&) override {}
  void AfterPass(const PassSize&, const absl::Status&) override {}
  void OnFallback(const FallbackStep&) override {}

  World& world_;
  const ServerShape shape_;
  const std::function<void(absl::Status)> ended_;
  const bool has_model_;
  bool dead_ = false;
  bool draining_ = false;
  bool over_ = false;
  absl::Duration still_until_ = absl::ZeroDuration();
  absl::Duration turn_due_ = absl::InfiniteDuration();
  bool device_scheduled_ = false;
  bool encoding_ = false;
  int64_t calls_ = 0;
  int64_t answers_ = 0;

  FakeEncoder encoder_;
  std::unique_ptr<MicroBatchScheduler> scheduler_;
  std::unique_ptr<PipelineBody> body_;  // goes first
};

}  // namespace sluice
