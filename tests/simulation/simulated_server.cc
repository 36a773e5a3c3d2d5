#include "tests/simulation/simulated_server.h"

#include <utility>

#include "tests/simulation/server_process.h"

namespace sluice {

ServerShape DrawServerShape(Dice& dice) {
  ServerShape shape;
  shape.pipeline.session_lease = absl::Seconds(dice.Between(5, 15));
  shape.pipeline.heartbeat_interval = shape.pipeline.session_lease / 3;
  shape.pipeline.sweep_interval = absl::Seconds(dice.Between(1, 3));
  shape.pipeline.phase_one_workers = static_cast<int>(dice.Between(1, 3));
  shape.pipeline.max_claimed_jobs = static_cast<int>(dice.Between(1, 64));
  shape.pipeline.credit_target_tokens = dice.Between(16, 512);
  shape.device = {.max_tokens = dice.Between(16, 128), .max_jobs = static_cast<int>(dice.Between(1, 8))};
  for (int c = 0; c < kNumWorkClasses; ++c) {
    shape.scheduler.max_queued_tokens[c] = dice.Between(128, 2048);
    shape.scheduler.max_queued_works[c] = static_cast<int>(dice.Between(8, 128));
  }
  return shape;
}

SimulatedServer::SimulatedServer(World& world, SimulatedStore& store, ServerShape shape,
                                 std::function<void()> ended)
    : world_(world), store_(store), shape_(std::move(shape)), ended_(std::move(ended)) {}

SimulatedServer::~SimulatedServer() {
  Crash();
}

void SimulatedServer::Start() {
  process_ = std::make_shared<ServerProcess>(world_, shape_, [this](const absl::Status&) {
    Crash();
    ended_();
  });
  const std::weak_ptr<ServerProcess> weak = process_;
  links_.push_back(
      std::make_unique<SimulatedLink>(world_, store_,
                                      SimulatedLink::End{.alive =
                                                             [weak] {
                                                               const auto process = weak.lock();
                                                               return process != nullptr && process->alive();
                                                             },
                                                         .post =
                                                             [weak](absl::Duration delay, Closure closure) {
                                                               if (const auto process = weak.lock())
                                                                 process->Post(delay, std::move(closure));
                                                             }}));
  process_->Begin(*links_.back());
}

void SimulatedServer::Crash() {
  if (process_ == nullptr) return;
  process_->Kill();
  process_.reset();
}

void SimulatedServer::StandStill(absl::Duration time) {
  if (process_ != nullptr) process_->StandStill(time);
}

void SimulatedServer::Drain(absl::Duration grace) {
  if (process_ != nullptr) process_->Drain(grace);
}

void SimulatedServer::OnReady() {
  if (process_ != nullptr) process_->OnReady();
}

void SimulatedServer::CallInteractively() {
  if (process_ != nullptr) process_->CallInteractively();
}

SimulatedLink* SimulatedServer::link() {
  return process_ == nullptr || process_->draining() ? nullptr : links_.back().get();
}

bool SimulatedServer::draining() const {
  return process_ != nullptr && process_->draining();
}

bool SimulatedServer::lacks_model() const {
  return process_ != nullptr && !process_->has_model();
}

bool SimulatedServer::AllCallsAnswered() const {
  return process_ == nullptr || process_->AllCallsAnswered();
}

}  // namespace sluice
