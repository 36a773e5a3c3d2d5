// BatchStore: where batches live. Durable before acknowledged, leased with a fence, one recorded outcome a
// job.
//
// The protocol, which every engine keeps and tests/contract/batch_store_contract.h holds them to:
//  * A job of a sealed batch is in exactly one of: waiting (for its plan, or for its tasks), ready, leased,
//  or
//    done (has an outcome).
//  * Work is leased by *stages*, the rows of one table (core/store/stage.h). A kind whose first stage is a
//    task of the batch starts with that *plan task* ready. Its jobs wait until the plan makes them ready or
//    records their rejection. The jobs of other kinds are ready at their first stage at once.
//  * A job's lease ends by its own work in one of three ways: it records the outcome; the job *advances* to a
//    later stage; or the job *fans out* into tasks. Each is one commit under the fence, so that a crash on
//    either side of it leaves the stage to be done again, or done. Tries are counted anew in each stage.
//  * The last task that ends readies its job for the stage that the fan-out named. A task that fails, or is
//    given up, ended as well: that stage reads how (ReadTasks) and decides.
//  * Claim moves ready rows to leases, each with a fence that no other lease ever had, and counts the
//    attempt.
//  * Only the holder of the current fence can end its lease; a late one is told kFenced and changes nothing.
//  * An outcome, its sequence number (per batch, from 1, gap-free, in commit order) and the batch's counters
//    change in one transaction. A recorded outcome never changes. The last one makes the batch's state
//    terminal.
//  * One session a replica; a session that was not renewed in time is dead for good and its leases go back to
//    ready, or to FAILED (ATTEMPTS_EXHAUSTED) once the stage's attempts were counted.
//  * The end of a batch, by cancel or expiry, ends its open tasks with their jobs, leased ones as well: their
//    fences hold nothing any more. A leased job may still finish.
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
