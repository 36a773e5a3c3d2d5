// BatchCatalog: batches as their clients name them: created, uploaded, looked at, cancelled and deleted.
#pragma once

#include <string>
#include <vector>

#include "core/store/batch.h"
#include "core/store/done.h"

namespace sluice {

// Thread-safe; calls answer as batch_store.h says. A batch of another tenant is NOT_FOUND, like one that
// never was: every call names the batch together with its tenant, and the engine compares them in one place.
class BatchCatalog {
 public:
  virtual ~BatchCatalog() = default;

  // One commit for the batch and all its jobs. The same request_id and digest again answers the batch as it
  // is now. INVALID_ARGUMENT: no jobs; a duplicate job id (field "jobs[i].id"); request_id with another
  // digest (reason REQUEST_ID_REUSED).
  virtual void CreateBatch(NewBatch batch, std::vector<NewJob> jobs, Done<Batch> done) = 0;

  // An upload in parts: nothing of it can be claimed or listed before SealUpload, and SealUpload is one
  // commit. Until then it ends with the process. BeginUpload answers a sealed batch of the same request_id
  // and digest as it is; the digest may also be given to SealUpload, when it is only known then.
  virtual void BeginUpload(NewBatch batch, Done<Batch> done) = 0;
  // NOT_FOUND: no such open upload. INVALID_ARGUMENT: duplicate id; the upload is abandoned by the caller
  // then.
  virtual void AppendJobs(BatchKey upload, std::vector<NewJob> jobs, Done<void> done) = 0;
  virtual void SealUpload(BatchKey upload, std::string digest, Done<Batch> done) = 0;
  virtual void AbandonUpload(BatchKey upload, Done<void> done) = 0;

  // NOT_FOUND when there is none.
  virtual void GetBatch(BatchKey name, Done<Batch> done) = 0;
  // page_size 1..1000. INVALID_ARGUMENT (field "page_token"): not a token of this call.
  virtual void ListBatches(std::string tenant, int page_size, std::string page_token,
                           Done<BatchPage> done) = 0;
  // Idempotent. One commit ends every job that is not leased as CANCELLED; a terminal batch is answered as it
  // is.
  virtual void CancelBatch(BatchKey name, Done<Batch> done) = 0;
  // Removes the batch, its jobs and outcomes for good, also from free pages. FAILED_PRECONDITION unless
  // terminal.
  virtual void DeleteBatch(BatchKey name, Done<void> done) = 0;
};

}  // namespace sluice
