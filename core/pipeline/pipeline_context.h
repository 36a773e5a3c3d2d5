// PipelineContext: what every stage of one pipeline is given.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "core/pipeline/books_in_work.h"
#include "core/pipeline/job_meters.h"
#include "core/pipeline/lease.h"
#include "core/pipeline/pipeline_loop.h"
#include "core/pipeline/pipeline_options.h"

namespace sluice {

// Owned by the pipeline; constant once its stages run. Loop thread and offloaded work only: never the store's
// thread.
struct PipelineContext {
  PipelineOptions options;
  PipelineParts parts;
  std::shared_ptr<PipelineLoop> loop;
  std::unique_ptr<JobMeters> meters;
  std::unique_ptr<BooksInWork> books;
  LeaseSink* sink = nullptr;
  // What plan tasks keep of phase one's results, all together. Shared, because a task may outlive the rest.
  std::shared_ptr<std::atomic<int64_t>> kept_result_bytes = std::make_shared<std::atomic<int64_t>>(0);

  bool has_model() const { return parts.scheduler != nullptr && parts.tokenizer != nullptr; }
  bool has_parser() const { return parts.archive.parser != nullptr; }
  bool Has(StageNeeds needs) const {
    return needs == StageNeeds::kNothing || (needs == StageNeeds::kModel && has_model()) ||
           (needs == StageNeeds::kParser && has_parser());
  }
};

// A claimed job or task comes in, one call to the context's sink goes out. Loop thread only.
class JobStage {
 public:
  virtual ~JobStage() = default;
  virtual void Start(LeasePtr lease) = 0;
};

}  // namespace sluice
