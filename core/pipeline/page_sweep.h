// PageSweep: a piece of work for every posting of a page, split over the workers, a turn at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "core/pipeline/pipeline_context.h"

namespace sluice {

struct PageSweep {
  size_t postings = 0;
  std::function<int64_t(size_t position)> work;  // on the executor; answers the steps it took
  std::function<void()> done;                    // on the loop, once none of it runs any more
};

// Takes turns with the work of other batches. Begins no posting more once the lease is stopped, but calls
// `done` then, too. `owner` is kept alive until that; `context` must outlive the loop's work.
void RunSweep(PipelineContext& context, const LeasePtr& lease, std::shared_ptr<void> owner, PageSweep sweep);

}  // namespace sluice
