#include "client/cpp/command/load_command.h"

#include <functional>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/cpp/command/interruption.h"
#include "client/cpp/command/load_run.h"
#include "client/cpp/formats/terminal_text.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

class Sweep {
 public:
  Sweep(const LoadFlags& flags, CommandContext& context, LoadCalls& calls)
      : flags_(flags), context_(context), calls_(calls) {}

  absl::StatusOr<ExitCode> Run() {
    double rate = flags_.rate;
    if (rate <= 0) {
      SLUICE_ASSIGN_OR_RETURN(rate, MeasureCapacity());
    }
    for (const double multiple : flags_.sweep) {
      if (interrupted()) return absl::CancelledError("interrupted");
      Report({absl::StrCat(multiple, "x"), rate * multiple,
              RunOpenLoop(flags_.shape, rate * multiple, Parts())});
    }
    if (interrupted()) return absl::CancelledError("interrupted");
    return ExitCode::kDone;
  }

 private:
  absl::StatusOr<double> MeasureCapacity() {
    LoadStep step = {"capacity", 0, RunClosedLoop(flags_.shape, flags_.capacity_in_flight, Parts())};
    const double rate = step.tally.GoodputPerSecond();
    Report(step);
    if (interrupted()) return absl::CancelledError("interrupted");
    if (!(rate > 0)) {
      return absl::FailedPreconditionError(
          "the server answered no call, so that its capacity is unknown: see the reasons above, or give "
          "--rate");
    }
    return rate;
  }

  bool interrupted() const { return context_.interruption.interrupted(); }

  LoadParts Parts() { return {&calls_, &context_.clock, wait_}; }

  void Report(const LoadStep& step) {
    context_.terminal.out << (flags_.json ? LoadStepJson(step) + "\n" : EscapeLines(LoadStepText(step)))
                          << std::flush;
  }

  const LoadFlags& flags_;
  CommandContext& context_;
  LoadCalls& calls_;
  // A member, because LoadParts only refers to it.
  const std::function<bool(absl::Duration)> wait_ = [this](absl::Duration delay) {
    return !context_.interruption.WaitFor(delay);
  };
};

}  // namespace

absl::StatusOr<ExitCode> RunLoad(const LoadFlags& flags, CommandContext& context) {
  SLUICE_ASSIGN_OR_RETURN(Client* const client, context.connect());
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<LoadCalls> calls,
                          ConnectLoadCalls(client->address(), flags.connections));
  return Sweep(flags, context, *calls).Run();
}

}  // namespace sluice
