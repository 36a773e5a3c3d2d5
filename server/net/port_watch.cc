#include "server/net/port_watch.h"

#include <utility>

#include "core/base/log.h"

namespace sluice {

PortWatch::PortWatch(const Options& options, std::function<absl::Status()> ask, std::function<void()> on_lost)
    : options_(options),
      ask_(std::move(ask)),
      on_lost_(std::move(on_lost)),
      thread_("port-watch", [this] { Run(); }) {}

PortWatch::~PortWatch() {
  Stop();
  thread_.Join();
}

void PortWatch::Run() {
  while (!stop_.WaitFor(options_.interval)) {
    const absl::Status reached = ask_();
    if (stop_.HasBeenNotified()) return;
    if (reached.ok()) {
      failures_ = 0;
      continue;
    }
    const int failures = ++failures_;
    Log(LogLevel::kWarning, "this server did not reach itself on its gRPC port, ", failures,
        failures == 1 ? " time: " : " times in a row: ", reached.message());
    if (!lost()) continue;
    on_lost_();
    return;
  }
}

}  // namespace sluice
