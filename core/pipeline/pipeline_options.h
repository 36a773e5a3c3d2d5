// PipelineOptions and PipelineParts: how a pipeline is set up, and what it works on. Every stage sees them;
// none sees the Pipeline.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/executor.h"
#include "core/batching/micro_batch_scheduler.h"
#include "core/documents/parser/document_parser.h"
#include "core/metrics/service_metrics.h"
#include "core/pipeline/archive_codec.h"
#include "core/pipeline/embed_codec.h"
#include "core/pipeline/screen_codec.h"
#include "core/store/content_store.h"
#include "core/store/library_store.h"
#include "core/store/stage.h"
#include "core/store/store_upkeep.h"
#include "core/store/work_queue.h"
#include "core/text/tokenizer.h"

namespace sluice {

struct PipelineOptions {
  absl::Duration session_lease = absl::Seconds(15);
  absl::Duration heartbeat_interval = absl::Seconds(5);
  absl::Duration sweep_interval = absl::Seconds(2);
  absl::Duration retention = absl::Hours(24 * 30);  // of finished batches
  absl::Duration upload_age = absl::Hours(1);       // of uploads never sealed
  int phase_one_workers = 1;                        // of the executor's, at once, for all batches; 1..256
  int max_claimed_jobs = 256;                       // in memory at once, beside the credit in tokens
  int64_t credit_target_tokens = 8192;
  // What phase one's results may take, of all plan tasks under way, for those to keep them from their first
  // pass for their second, where no posting goes on to the model; otherwise they are computed again. 0:
  // never.
  int64_t kept_result_bytes = 64 << 20;
  std::string model_digest;  // "" without a model
  int max_tokens = 0;        // of a text; 0 without a model
};

// What the archive's stages work on: all of them, or none, and then archive jobs wait in the store for a
// process that has them.
struct ArchiveParts {
  DocumentParser* parser = nullptr;
  LibraryStore* library = nullptr;
  ContentStore* contents = nullptr;
  const ArchiveCodec* codec = nullptr;
};

// What the pipeline works on; all must outlive it. Without a model `scheduler` and `tokenizer` are null:
// screening is rules_only then, embed jobs fail with NO_MODEL, and jobs that an earlier plan had let go on to
// a model wait in the store for a process that has one.
struct PipelineParts {
  WorkQueue* queue = nullptr;
  StoreUpkeep* upkeep = nullptr;                      // of the same store
  const StageTable* stages = &StageTable::BuiltIn();  // the store's
  const ScreenCodec* screen_codec = nullptr;
  const EmbedCodec* embed_codec = nullptr;
  MicroBatchScheduler* scheduler = nullptr;
  const Tokenizer* tokenizer = nullptr;
  ArchiveParts archive;
  Executor* executor = nullptr;  // phase one, tokenizing and verdicts
  const Clock* clock = nullptr;
  ServiceMetrics* metrics = nullptr;  // made of `stages`; may be null
};

}  // namespace sluice
