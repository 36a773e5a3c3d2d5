// Reads: outcomes by sequence and by score, jobs by index.
#include <limits>
#include <utility>

#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/store/batch_rules.h"
#include "core/store/page_token.h"
#include "core/store/sqlite/batch_tables.h"
#include "core/store/sqlite/schema.h"

namespace sluice {
namespace {

#define SLUICE_OUTCOME_COLUMNS \
  "seq, job, job_id, kind, score, attempt, error_code, error_reason, error_message, result"

constexpr char kRankedCall = 'R';

Outcome OutcomeOf(const Query& query) {
  Outcome outcome;
  outcome.sequence = SlotOf(query.Int(0)) + 1;
  outcome.job_index = SlotOf(query.Int(1));
  outcome.job_id = query.String(2);
  outcome.kind = static_cast<OutcomeKind>(query.Int(3));
  outcome.score = query.Real(4);
  outcome.attempt = static_cast<int>(query.Int(5));
  outcome.error_code = static_cast<absl::StatusCode>(query.Int(6));
  outcome.error_reason = query.String(7);
  outcome.error_message = query.String(8);
  outcome.result = query.String(9);
  return outcome;
}

// False when `bytes` ended the page before the query was through.
absl::StatusOr<bool> Append(Query& query, RankedPageBytes& bytes, std::vector<Outcome>& outcomes) {
  while (query.Step()) {
    Outcome outcome = OutcomeOf(query);
    if (!bytes.Takes(outcome)) return false;
    outcomes.push_back(std::move(outcome));
  }
  SLUICE_RETURN_IF_ERROR(query.status());
  return true;
}

}  // namespace

absl::StatusOr<std::vector<Outcome>> BatchTables::ReadOutcomes(const BatchKey& name, int64_t after_sequence,
                                                               int limit) {
  SLUICE_RETURN_IF_ERROR(CheckRange("limit", limit, 1, 256));
  SLUICE_ASSIGN_OR_RETURN(const BatchRow row, Load(name));
  SLUICE_RETURN_IF_ERROR(
      CheckRange("after_sequence", after_sequence, 0, std::numeric_limits<int64_t>::max()));
  if (after_sequence > row.batch.last_sequence)
    return SequenceOutOfRange(after_sequence, row.batch.last_sequence);
  Query query = connection_.Select("SELECT " SLUICE_OUTCOME_COLUMNS
                                   " FROM outcome WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3",
                                   SequenceKey(row.number, after_sequence), LastKey(row.number), limit);
  std::vector<Outcome> outcomes;
  int64_t bytes = 0;
  while (bytes < kMostBytesRead && query.Step()) {
    outcomes.push_back(OutcomeOf(query));
    bytes += static_cast<int64_t>(outcomes.back().result.size());
  }
  SLUICE_RETURN_IF_ERROR(query.status());
  return outcomes;
}

// The token names the last outcome of the page before. What follows it has its score and a greater id, or a
// lower score: two ranges of one index, so that a page costs what it holds, however long the batch.
absl::StatusOr<RankedPage> BatchTables::ReadRanked(const BatchKey& name, int page_size,
                                                   const std::string& page_token) {
  SLUICE_RETURN_IF_ERROR(CheckRange("page_size", page_size, 1, 1000));
  SLUICE_ASSIGN_OR_RETURN(const BatchRow row, Load(name));
  if (!IsTerminal(row.batch.state)) return NotFinished(name.id);
  const auto scope = static_cast<uint64_t>(row.number);
  PageToken from{.call = kRankedCall, .scope = scope, .position = 0, .rank = 0};
  double score = std::numeric_limits<double>::infinity();
  std::string job_id;
  if (!page_token.empty()) {
    SLUICE_ASSIGN_OR_RETURN(from, DecodePageToken(page_token, kRankedCall, scope));
    Query last = connection_.Select("SELECT score, job_id FROM outcome WHERE seq = ?1",
                                    SequenceKey(row.number, from.position));
    if (last.Step()) {
      score = last.Real(0);
      job_id = last.String(1);
    }
    SLUICE_RETURN_IF_ERROR(last.status());
  }
  RankedPage page;
  page.first_rank = from.rank + 1;
  Query ties = connection_.Select("SELECT " SLUICE_OUTCOME_COLUMNS
                                  " FROM outcome WHERE batch = ?1 AND score = ?2 AND job_id > ?3 "
                                  "ORDER BY job_id LIMIT ?4",
                                  row.number, score, job_id, page_size);
  RankedPageBytes bytes;
  SLUICE_ASSIGN_OR_RETURN(const bool ties_fit, Append(ties, bytes, page.outcomes));
  Query lower = connection_.Select("SELECT " SLUICE_OUTCOME_COLUMNS
                                   " FROM outcome WHERE batch = ?1 AND score < ?2 "
                                   "ORDER BY score DESC, job_id LIMIT ?3",
                                   row.number, score,
                                   ties_fit ? page_size - static_cast<int>(page.outcomes.size()) : 0);
  SLUICE_RETURN_IF_ERROR(Append(lower, bytes, page.outcomes).status());
  const int64_t rank = from.rank + static_cast<int64_t>(page.outcomes.size());
  if (rank < row.batch.counts.jobs) {
    page.next_page_token = EncodePageToken({kRankedCall, scope, page.outcomes.back().sequence, rank});
  }
  return page;
}

absl::StatusOr<Batch> BatchTables::ReadBatch(const std::string& batch_id) {
  SLUICE_ASSIGN_OR_RETURN(BatchRow row, Load(batch_id));
  return WithTexts(std::move(row));
}

absl::StatusOr<std::vector<StoredJob>> BatchTables::ReadJobs(const std::string& batch_id, int64_t first_index,
                                                             int limit) {
  SLUICE_RETURN_IF_ERROR(CheckRange("limit", limit, 1, 256));
  SLUICE_RETURN_IF_ERROR(CheckRange("first_index", first_index, 0, kMaxJobsInBatch));
  SLUICE_ASSIGN_OR_RETURN(const BatchRow row, Load(batch_id));
  Query query =
      connection_.Select("SELECT job, id, payload FROM job WHERE job BETWEEN ?1 AND ?2 ORDER BY job LIMIT ?3",
                         JobKey(row.number, first_index), LastKey(row.number), limit);
  std::vector<StoredJob> jobs;
  int64_t bytes = 0;
  while (bytes < kMostBytesRead && query.Step()) {
    jobs.push_back({SlotOf(query.Int(0)), query.String(1), query.String(2)});
    bytes += static_cast<int64_t>(jobs.back().payload.size());
  }
  SLUICE_RETURN_IF_ERROR(query.status());
  return jobs;
}

}  // namespace sluice
