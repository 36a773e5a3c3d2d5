#include "core/pipeline/page_sweep.h"

#include <atomic>
#include <utility>

#include "core/pipeline/page_screening.h"

namespace sluice {
namespace {

constexpr size_t kMinPostingsPerRange = 16;
// After which a worker looks whose turn it is: some 10 ms, or one posting that takes longer.
constexpr int64_t kStepsPerTurn = 4 << 20;

struct RunningSweep {
  PipelineContext& context;
  const LeasePtr lease;
  const std::shared_ptr<void> owner;
  const PageSweep sweep;
  std::atomic<size_t> ranges;  // that have not ended
};

// As far as one turn goes; the rest waits for its next.
void RunRange(std::shared_ptr<RunningSweep> running, PostingRange range) {
  PipelineLoop& loop = *running->context.loop;
  loop.Offload(running->lease->claim.batch_id, [running, range]() mutable {
    const auto goes_on = [&] { return range.begin < range.end && running->lease->stop == StopReason::kNone; };
    int64_t steps = 0;
    while (goes_on() && steps < kStepsPerTurn) steps += running->sweep.work(range.begin++);
    if (goes_on()) {
      RunRange(running, range);
    } else if (running->ranges.fetch_sub(1) == 1) {
      running->context.loop->Post([running] { running->sweep.done(); });
    }
    return steps;
  });
}

}  // namespace

void RunSweep(PipelineContext& context, const LeasePtr& lease, std::shared_ptr<void> owner, PageSweep sweep) {
  const std::vector<PostingRange> ranges =
      SplitPage(sweep.postings, context.options.phase_one_workers, kMinPostingsPerRange);
  const std::shared_ptr<RunningSweep> running(
      new RunningSweep{context, lease, std::move(owner), std::move(sweep), ranges.size()});
  for (const PostingRange& range : ranges) RunRange(running, range);
}

}  // namespace sluice
