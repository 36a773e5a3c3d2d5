// SimulatedServer: one server in virtual time: the real pipeline, the real scheduler, a device, a way to the
// store. Its process crashes, stands still, drains, and starts again.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/batching/micro_batch_scheduler.h"
#include "core/pipeline/pipeline_options.h"
#include "tests/simulation/simulated_link.h"
#include "tests/simulation/simulated_store.h"
#include "tests/simulation/world.h"

namespace sluice {

class ServerProcess;

// How a server is set up; drawn for each run, small, so that every bound is met.
struct ServerShape {
  PipelineOptions pipeline;
  SchedulerOptions scheduler;
  MicroBatchLimits device;
};
ServerShape DrawServerShape(Dice& dice);

class SimulatedServer {
 public:
  // `ended` is told, from the timeline, when a process drained and ended.
  SimulatedServer(World& world, SimulatedStore& store, ServerShape shape, std::function<void()> ended);
  ~SimulatedServer();

  void Start();
  // All that it has in memory is gone at once.
  void Crash();
  void StandStill(absl::Duration time);
  // Ends in order within `grace`, or as far as it came.
  void Drain(absl::Duration grace);
  void OnReady();
  void CallInteractively();

  // Null while no process takes calls of clients.
  SimulatedLink* link();
  bool running() const { return process_ != nullptr; }
  bool draining() const;
  bool lacks_model() const;  // while it runs
  // Whether every interactive call of the running process was answered, once.
  bool AllCallsAnswered() const;

 private:
  World& world_;
  SimulatedStore& store_;
  const ServerShape shape_;
  const std::function<void()> ended_;
  std::shared_ptr<ServerProcess> process_;
  std::vector<std::unique_ptr<SimulatedLink>> links_;  // also of processes that died
};

}  // namespace sluice
