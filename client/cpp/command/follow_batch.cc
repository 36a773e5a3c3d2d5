#include "client/cpp/command/follow_batch.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cpp/command/exit_code.h"
#include "client/cpp/command/progress.h"
#include "core/base/status_macros.h"
#include "core/base/thread.h"

namespace sluice {
namespace {

// When each phase ended, from what the progress shows.
class PhaseTimes {
 public:
  explicit PhaseTimes(absl::Duration start) : start_(start) {}

  void See(const v1::Batch& batch, absl::Duration now) {
    const bool planned = batch.has_plan();
    if (!planned) saw_no_plan_ = true;
    if (planned && saw_no_plan_ && !planned_at_.has_value()) planned_at_ = now;
  }

  void Finish(absl::Duration now, FollowedBatch& followed) const {
    if (!planned_at_.has_value()) return;
    followed.phase_one = *planned_at_ - start_;
    followed.phase_two = now - *planned_at_;
  }

 private:
  const absl::Duration start_;
  bool saw_no_plan_ = false;
  std::optional<absl::Duration> planned_at_;
};

}  // namespace

absl::StatusOr<FollowedBatch> FollowBatch(Client& client, const FollowOptions& options, Terminal& terminal,
                                          const Clock& clock) {
  FollowedBatch followed;
  PhaseTimes times(clock.MonotonicNow());
  absl::Status streamed;
  Thread results;
  if (options.results) {
    results = Thread("results", [&] {
      streamed = client.StreamResults(options.name, 0, [&](const v1::JobResult& result) {
        followed.tally.Add(result);
        return absl::OkStatus();
      });
    });
  }
  absl::Status watched;
  {
    ProgressLine line(terminal, clock);
    watched = client.WatchBatch(options.name, options.min_interval, [&](const v1::BatchProgress& progress) {
      times.See(progress.batch(), clock.MonotonicNow());
      line.Show(ProgressText(progress, terminal.columns - 1));
      return absl::OkStatus();
    });
  }
  const absl::Duration end = clock.MonotonicNow();
  results.Join();
  SLUICE_RETURN_IF_ERROR(watched);
  SLUICE_RETURN_IF_ERROR(streamed);
  SLUICE_ASSIGN_OR_RETURN(followed.batch, client.GetBatch(options.name));
  if (!IsTerminal(followed.batch.state())) {
    return absl::InternalError(
        absl::StrCat("the server ended its streams before ", options.name, " had ended"));
  }
  times.Finish(end, followed);
  return followed;
}

}  // namespace sluice
