// Batches, uploads and reads; workers and endings are in in_memory_workers.cc.
#include "tests/fakes/in_memory_batches.h"

#include <algorithm>
#include <limits>

#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/store/batch_rules.h"
#include "core/store/page_token.h"

namespace sluice {
namespace {

constexpr int64_t kSalt = 0x5a17;

}  // namespace

absl::StatusOr<InMemoryBatches::Entry*> InMemoryBatches::Find(const std::string& batch_id) {
  const auto found = entries_.find(batch_id);
  if (found == entries_.end()) return NoSuchBatch(batch_id);
  return &found->second;
}

absl::StatusOr<InMemoryBatches::Entry*> InMemoryBatches::Find(const BatchKey& name) {
  SLUICE_ASSIGN_OR_RETURN(Entry * entry, Find(name.id));
  if (entry->batch.tenant != name.tenant) return NoSuchBatch(name.id);
  return entry;
}

absl::StatusOr<InMemoryBatches::Entry*> InMemoryBatches::FindUpload(const BatchKey& upload) {
  const auto entry = Find(upload);
  if (!entry.ok() || (*entry)->batch.state != BatchState::kUploading) return NoSuchUpload(upload.id);
  return entry;
}

absl::StatusOr<InMemoryBatches::Entry*> InMemoryBatches::FindRequest(const Entry& entry,
                                                                     const std::string& digest) {
  if (entry.request_id.empty()) return nullptr;
  for (auto& [id, other] : entries_) {
    if (other.batch.state == BatchState::kUploading || other.batch.tenant != entry.batch.tenant ||
        other.request_id != entry.request_id) {
      continue;
    }
    if (other.digest != digest) return RequestIdReused();
    return &other;
  }
  return nullptr;
}

InMemoryBatches::Entry InMemoryBatches::NewEntry(const NewBatch& batch, absl::Time now) {
  Entry entry;
  entry.batch.tenant = batch.tenant;
  entry.batch.kind = batch.kind;
  entry.batch.state = BatchState::kUploading;
  entry.batch.spec = batch.spec;
  entry.batch.as_of = StoredTime(batch.as_of);
  entry.batch.create_time = StoredTime(now);
  entry.batch.expire_time = StoredTime(now + batch.expires_after);
  entry.batch.priority = batch.priority;
  entry.request_id = batch.request_id;
  entry.digest = batch.digest;
  return entry;
}

InMemoryBatches::Entry& InMemoryBatches::Insert(Entry entry) {
  entry.batch.id = BatchIdOf(++last_number_, kSalt);
  std::string id = entry.batch.id;
  return entries_.emplace(std::move(id), std::move(entry)).first->second;
}

absl::Status InMemoryBatches::AddJobs(Entry& entry, const std::vector<NewJob>& jobs) {
  SLUICE_RETURN_IF_ERROR(CheckJobs(jobs, entry.batch.counts.jobs));
  std::set<std::string> ids;
  for (const NewJob& job : entry.jobs) ids.insert(job.id);
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (!ids.insert(jobs[i].id).second) return DuplicateJobId(static_cast<int64_t>(i), jobs[i].id);
  }
  entry.jobs.insert(entry.jobs.end(), jobs.begin(), jobs.end());
  entry.work.resize(entry.jobs.size());
  entry.batch.counts.jobs = static_cast<int64_t>(entry.jobs.size());
  return absl::OkStatus();
}

Batch InMemoryBatches::Seal(Entry& entry) {
  entry.batch.state = BatchState::kPending;
  const StageRow& first = stages_.FirstOf(entry.batch.kind);
  const bool waits = first.scope == StageScope::kBatch;
  if (!waits) {
    for (Work& job : entry.work) MakeReady(job, first.id);
  }
  entry.work.push_back({.where = waits ? Where::kReady : Where::kDone, .stage = first.id});
  changes_.ready = true;
  changes_.batches.insert(entry.batch.id);
  return entry.batch;
}

void InMemoryBatches::MakeReady(Work& work, Stage stage) {
  work.where = Where::kReady;
  work.stage = stage;
  work.tries = {};
}

void InMemoryBatches::Erase(Entry& entry) {
  const std::string id = entry.batch.id;
  entries_.erase(id);
}

absl::StatusOr<Batch> InMemoryBatches::CreateBatch(const NewBatch& batch, const std::vector<NewJob>& jobs) {
  SLUICE_RETURN_IF_ERROR(CheckNewBatch(batch, stages_));
  SLUICE_RETURN_IF_ERROR(CheckSealable(static_cast<int64_t>(jobs.size())));
  Entry entry = NewEntry(batch, clock_.WallNow());
  SLUICE_ASSIGN_OR_RETURN(const Entry* earlier, FindRequest(entry, batch.digest));
  if (earlier != nullptr) return earlier->batch;
  SLUICE_RETURN_IF_ERROR(AddJobs(entry, jobs));
  return Seal(Insert(std::move(entry)));
}

absl::StatusOr<Batch> InMemoryBatches::BeginUpload(const NewBatch& batch) {
  SLUICE_RETURN_IF_ERROR(CheckNewBatch(batch, stages_));
  Entry entry = NewEntry(batch, clock_.WallNow());
  if (!entry.digest.empty()) {
    SLUICE_ASSIGN_OR_RETURN(const Entry* earlier, FindRequest(entry, batch.digest));
    if (earlier != nullptr) return earlier->batch;
  }
  return Insert(std::move(entry)).batch;
}

absl::Status InMemoryBatches::AppendJobs(const BatchKey& upload, const std::vector<NewJob>& jobs) {
  SLUICE_ASSIGN_OR_RETURN(Entry * entry, FindUpload(upload));
  return AddJobs(*entry, jobs);
}

absl::StatusOr<Batch> InMemoryBatches::SealUpload(const BatchKey& upload, const std::string& digest) {
  SLUICE_ASSIGN_OR_RETURN(Entry * entry, FindUpload(upload));
  SLUICE_RETURN_IF_ERROR(CheckSealable(entry->batch.counts.jobs));
  const std::string known = digest.empty() ? entry->digest : digest;
  SLUICE_ASSIGN_OR_RETURN(const Entry* earlier, FindRequest(*entry, known));
  if (earlier == nullptr) {
    entry->digest = known;
    return Seal(*entry);
  }
  Erase(*entry);
  return earlier->batch;
}

absl::Status InMemoryBatches::AbandonUpload(const BatchKey& upload) {
  SLUICE_ASSIGN_OR_RETURN(Entry * entry, FindUpload(upload));
  Erase(*entry);
  return absl::OkStatus();
}

absl::StatusOr<Batch> InMemoryBatches::GetBatch(const BatchKey& name) {
  SLUICE_ASSIGN_OR_RETURN(const Entry* entry, Find(name));
  return entry->batch;
}

absl::StatusOr<BatchPage> InMemoryBatches::ListBatches(const std::string& tenant, int page_size,
                                                       const std::string& page_token) {
  SLUICE_RETURN_IF_ERROR(CheckRange("page_size", page_size, 1, 1000));
  PageToken from{.call = 'L', .scope = Fingerprint(tenant), .position = last_number_ + 1, .rank = 0};
  if (!page_token.empty()) {
    SLUICE_ASSIGN_OR_RETURN(from, DecodePageToken(page_token, 'L', Fingerprint(tenant)));
  }
  BatchPage page;
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    const Batch& batch = entry->second.batch;
    const int64_t number = *BatchNumberOf(batch.id, kSalt);
    if (batch.tenant != tenant || batch.state == BatchState::kUploading || number >= from.position) continue;
    if (static_cast<int>(page.batches.size()) == page_size) {
      const int64_t last = *BatchNumberOf(page.batches.back().id, kSalt);
      page.next_page_token = EncodePageToken({'L', from.scope, last, from.rank + page_size});
      break;
    }
    page.batches.push_back(batch);
    page.batches.back().spec.clear();
    page.batches.back().plan.clear();
  }
  return page;
}

absl::Status InMemoryBatches::DeleteBatch(const BatchKey& name) {
  SLUICE_ASSIGN_OR_RETURN(Entry * entry, Find(name));
  if (entry->batch.state == BatchState::kUploading) return UploadStillOpen(name.id);
  if (!IsTerminal(entry->batch.state)) return NotFinished(name.id);
  Erase(*entry);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Outcome>> InMemoryBatches::ReadOutcomes(const BatchKey& name,
                                                                   int64_t after_sequence, int limit) {
  SLUICE_RETURN_IF_ERROR(CheckRange("limit", limit, 1, 256));
  SLUICE_ASSIGN_OR_RETURN(const Entry* entry, Find(name));
  SLUICE_RETURN_IF_ERROR(
      CheckRange("after_sequence", after_sequence, 0, std::numeric_limits<int64_t>::max()));
  const auto last = static_cast<int64_t>(entry->outcomes.size());
  if (after_sequence > last) return SequenceOutOfRange(after_sequence, last);
  const auto first = entry->outcomes.begin() + after_sequence;
  auto end = first;
  int64_t bytes = 0;
  for (; end != entry->outcomes.end() && end - first < limit && bytes < kMostBytesRead; ++end)
    bytes += static_cast<int64_t>(end->result.size());
  return std::vector<Outcome>(first, end);
}

absl::StatusOr<RankedPage> InMemoryBatches::ReadRanked(const BatchKey& name, int page_size,
                                                       const std::string& page_token) {
  SLUICE_RETURN_IF_ERROR(CheckRange("page_size", page_size, 1, 1000));
  SLUICE_ASSIGN_OR_RETURN(const Entry* entry, Find(name));
  if (!IsTerminal(entry->batch.state)) return NotFinished(name.id);
  const auto scope = static_cast<uint64_t>(*BatchNumberOf(name.id, kSalt));
  PageToken from{.call = 'R', .scope = scope, .position = 0, .rank = 0};
  if (!page_token.empty()) {
    SLUICE_ASSIGN_OR_RETURN(from, DecodePageToken(page_token, 'R', scope));
  }
  std::vector<Outcome> ranked = entry->outcomes;
  std::sort(ranked.begin(), ranked.end(), [](const Outcome& a, const Outcome& b) {
    return a.score != b.score ? a.score > b.score : a.job_id < b.job_id;
  });
  RankedPage page;
  page.first_rank = from.rank + 1;
  const auto count = static_cast<int64_t>(ranked.size());
  int64_t end = from.rank;
  for (RankedPageBytes bytes; end < std::min(count, from.rank + page_size) && bytes.Takes(ranked[end]);
       ++end) {
  }
  page.outcomes.assign(ranked.begin() + from.rank, ranked.begin() + end);
  if (end < count) page.next_page_token = EncodePageToken({'R', scope, 0, end});
  return page;
}

absl::StatusOr<Batch> InMemoryBatches::ReadBatch(const std::string& batch_id) {
  SLUICE_ASSIGN_OR_RETURN(const Entry* entry, Find(batch_id));
  return entry->batch;
}

absl::StatusOr<std::vector<StoredJob>> InMemoryBatches::ReadJobs(const std::string& batch_id,
                                                                 int64_t first_index, int limit) {
  SLUICE_RETURN_IF_ERROR(CheckRange("limit", limit, 1, 256));
  SLUICE_RETURN_IF_ERROR(CheckRange("first_index", first_index, 0, kMaxJobsInBatch));
  SLUICE_ASSIGN_OR_RETURN(const Entry* entry, Find(batch_id));
  std::vector<StoredJob> jobs;
  const int64_t end = std::min(first_index + limit, entry->batch.counts.jobs);
  int64_t bytes = 0;
  for (int64_t i = first_index; i < end && bytes < kMostBytesRead; ++i) {
    const NewJob& job = entry->jobs[static_cast<size_t>(i)];
    jobs.push_back({i, job.id, job.payload});
    bytes += static_cast<int64_t>(job.payload.size());
  }
  return jobs;
}

}  // namespace sluice
