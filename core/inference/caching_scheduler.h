// CachingScheduler: a scheduler that encodes equal texts once. It stands before the real one, and whatever
// needs a vector goes through it: Embed calls and leased jobs alike.
//
// A work's KEY is the digest of its token ids and of all else that its vector depends on. Of works with one
// key
//   - one is MISSED: it goes on to the real scheduler at once, and its vector into the cache;
//   - those that come while it is on its way JOIN it, and get a copy of its vector;
//   - later ones HIT: they are answered from the cache and never reach the real scheduler.
// Nobody waits for somebody less urgent: a work joins one that is as urgent or more (small interactive calls,
// then large ones, then bulk work), and submits its own otherwise. When the one that others joined is
// cancelled, late or dropped, they go on without it: the first of them is submitted, the others join that.
#pragma once

#include <memory>
#include <string>

#include "core/batching/micro_batch_scheduler.h"
#include "core/metrics/service_metrics.h"
#include "core/store/cache.h"

namespace sluice {

struct CachingOptions {
  // Everything but the tokens that a vector depends on: model digest and options, precision, software.
  std::string vector_scope;
  int max_joined_works = 1024;  // of one work; one more is submitted for itself. >= 1
};

// Contract as MicroBatchScheduler's, with these differences. `done` may be called on the cache's thread as
// well, never inline. A work whose vector the cache seemed to hold and did not is submitted then: if the
// scheduler has no room, `done` gets QUEUE_FULL, for bulk work as UNAVAILABLE, so that it is tried again.
// Works that joined or are looked up are not in Snapshot; BulkCreditTokens counts them. A hit is also found
// after Close.
//
// `scheduler`, `cache` and what `metrics` points to must outlive it. Destruction closes the scheduler and
// waits for the cache's answers; what runs micro-batches must have ended before.
std::unique_ptr<MicroBatchScheduler> MakeCachingScheduler(CachingOptions options,
                                                          MicroBatchScheduler& scheduler,
                                                          EmbeddingCache& cache,
                                                          const EmbeddingCacheMetrics& metrics);

}  // namespace sluice
