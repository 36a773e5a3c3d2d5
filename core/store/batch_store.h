// BatchStore: where batches live. Durable before acknowledged, leased with a fence, one recorded outcome a
// job.
//
// The protocol, which every engine keeps and tests/contract/batch_store_contract.h holds them to:
//  * A job of a sealed batch is in exactly one of: waiting (not yet planned), ready, leased, or done (has an
//    outcome).
//  * A screen batch starts as one ready *plan task* (job_index kPlanTask); its jobs wait until the plan makes
//    them ready or records their rejection. An embed batch's jobs are ready at once.
//  * Claim moves ready rows to leases, each with a fence that no other lease ever had, and counts the
//    attempt.
//  * Only the holder of the current fence can record an outcome; a late one is told kFenced and changes
//    nothing.
//  * An outcome, its sequence number (per batch, from 1, gap-free, in commit order) and the batch's counters
//    change in one transaction. A recorded outcome never changes. The last one makes the batch's state
//    terminal.
//  * One session a replica; a session that was not renewed in time is dead for good and its leases go back to
//    ready, or to FAILED (ATTEMPTS_EXHAUSTED) once max_attempts were counted.
// Source: notes on River, Oban and Temporal; the fence is Temporal's RangeID check reduced to one integer a
// lease.
#pragma once

#include "core/store/batch_catalog.h"
#include "core/store/result_reader.h"
#include "core/store/store_upkeep.h"
#include "core/store/work_queue.h"

namespace sluice {

// One engine behind the four interfaces, of which each user is given those it uses.
//
// Thread-safe. No call blocks: `done` is called exactly once, after the commit the answer depends on, on the
// store's own thread; it must not block. AwaitStore (core/store/await.h) waits instead, for threads that may.
//
// Every call may also fail with UNAVAILABLE (closed, or the disk failed: reason STORE_FAILED; full:
// DISK_FULL; short of memory: MEMORY_LOW) and RESOURCE_EXHAUSTED (reason STORE_BUSY: too many calls wait).
class BatchStore : public BatchCatalog, public ResultReader, public WorkQueue, public StoreUpkeep {};

}  // namespace sluice
