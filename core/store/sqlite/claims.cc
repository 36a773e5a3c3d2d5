// Workers: sessions, claims and their return.
#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/store/batch_rules.h"
#include "core/store/sqlite/batch_tables.h"
#include "core/store/sqlite/rows.h"
#include "core/store/sqlite/schema.h"

namespace sluice {

absl::StatusOr<SessionId> BatchTables::OpenSession(absl::Duration lease) {
  SLUICE_RETURN_IF_ERROR(CheckSessionLease(lease));
  SLUICE_ASSIGN_OR_RETURN(const SessionId session, TakeNumbers("session", 1));
  SLUICE_RETURN_IF_ERROR(connection_.Run("INSERT INTO session (session, lease_until) VALUES (?1, ?2)",
                                         session, ToColumn(clock_.MonotonicNow() + lease)));
  return session;
}

absl::Status BatchTables::CheckSession(SessionId session) {
  Query alive = connection_.Select("SELECT 1 FROM session WHERE session = ?1 AND lease_until > ?2", session,
                                   ToColumn(clock_.MonotonicNow()));
  if (alive.Step()) return absl::OkStatus();
  SLUICE_RETURN_IF_ERROR(alive.status());
  return SessionDead(session);
}

absl::StatusOr<HeartbeatReply> BatchTables::Heartbeat(SessionId session, absl::Duration lease) {
  SLUICE_RETURN_IF_ERROR(CheckSessionLease(lease));
  SLUICE_RETURN_IF_ERROR(CheckSession(session));
  SLUICE_RETURN_IF_ERROR(connection_.Run("UPDATE session SET lease_until = ?2 WHERE session = ?1", session,
                                         ToColumn(clock_.MonotonicNow() + lease)));
  Query cancelled = connection_.Select(
      "SELECT DISTINCT batch.batch FROM lease JOIN batch ON batch.batch = lease.job >> ?2 "
      "WHERE lease.session = ?1 AND batch.ending <> 0 ORDER BY 1",
      session, kJobBits);
  HeartbeatReply reply;
  while (cancelled.Step()) reply.cancelled_batches.push_back(BatchId(cancelled.Int(0)));
  SLUICE_RETURN_IF_ERROR(cancelled.status());
  Query leases =
      connection_.Select("SELECT job, fence FROM lease WHERE session = ?1 ORDER BY fence", session);
  while (leases.Step()) {
    const int64_t job = leases.Int(0);
    reply.leases.push_back({BatchId(BatchOfKey(job)), SlotOf(job), leases.Int(1)});
  }
  SLUICE_RETURN_IF_ERROR(leases.status());
  return reply;
}

absl::Status BatchTables::CloseSession(SessionId session) {
  SLUICE_ASSIGN_OR_RETURN(const std::vector<LeaseRow> leases, LeasesWhere("session = ?1", session));
  SweepReply reply;
  SLUICE_RETURN_IF_ERROR(Requeue(leases, LeaseEnd::kGivenBack, reply));
  return connection_.Run("DELETE FROM session WHERE session = ?1", session);
}

absl::StatusOr<std::vector<BatchTables::LeaseRow>> BatchTables::LeasesWhere(absl::string_view condition,
                                                                            int64_t argument) {
  const std::string sql =
      absl::StrCat("SELECT job, stage, priority, attempt, suspicion, outstayed FROM lease WHERE ", condition,
                   " ORDER BY job LIMIT 4096");
  Query query = connection_.Select(sql, argument);
  std::vector<LeaseRow> leases;
  while (query.Step()) {
    leases.push_back(LeaseOf(query));
  }
  SLUICE_RETURN_IF_ERROR(query.status());
  return leases;
}

absl::StatusOr<bool> BatchTables::AnyLease() {
  Query lease = connection_.Select("SELECT 1 FROM lease LIMIT 1");
  const bool any = lease.Step();
  SLUICE_RETURN_IF_ERROR(lease.status());
  return any;
}

BatchTables::LeaseRow BatchTables::LeaseOf(const Query& query) {
  return {.job = query.Int(0),
          .stage = static_cast<Stage>(query.Int(1)),
          .priority = query.Int(2),
          .tries = {.attempts = static_cast<int>(query.Int(3)), .suspicion = static_cast<int>(query.Int(4))},
          .outstayed = query.Int(5) != 0};
}

absl::StatusOr<bool> BatchTables::AnySuspect() {
  Query query = connection_.Select(
      "SELECT EXISTS (SELECT 1 FROM ready WHERE suspicion > 0) OR "
      "EXISTS (SELECT 1 FROM lease WHERE suspicion > 0)");
  const bool any = query.Step() && query.Int(0) != 0;
  SLUICE_RETURN_IF_ERROR(query.status());
  return any;
}

absl::StatusOr<bool> BatchTables::AnyYoungLease(bool suspects) {
  Query query = connection_.Select(suspects ? "SELECT 1 FROM lease WHERE suspicion > 0 AND alone_until > ?1"
                                            : "SELECT 1 FROM lease WHERE alone_until > ?1",
                                   ToColumn(clock_.MonotonicNow()));
  const bool any = query.Step();
  SLUICE_RETURN_IF_ERROR(query.status());
  return any;
}

std::tuple<bool, int64_t, int64_t, int, int64_t, int64_t> BatchTables::RankOf(const ReadyRow& row) const {
  const bool batchs_own = stages_.At(row.stage).scope == StageScope::kBatch;
  return {!batchs_own, row.batch_priority, BatchOfKey(row.job), -stages_.OrderOf(row.stage), row.priority,
          row.job};
}

// Jobs before plan tasks, which run longer, and those with fewer deaths first: they leave the crowd soonest.
absl::StatusOr<std::optional<BatchTables::ReadyRow>> BatchTables::FirstSuspect(const ClaimRequest& request) {
  const std::vector<Stage>& serves = request.serves.empty() ? request.stages : request.serves;
  const auto rank = [this](const ReadyRow& row) {
    const bool batchs_own = stages_.At(row.stage).scope == StageScope::kBatch;
    return std::tuple(row.tries.suspicion, batchs_own, RankOf(row));
  };
  Query query = connection_.Select(
      "SELECT job, stage, batch_priority, priority, attempts, suspicion FROM ready WHERE suspicion > 0");
  std::optional<ReadyRow> first;
  while (query.Step()) {
    const ReadyRow row{query.Int(0),
                       static_cast<Stage>(query.Int(1)),
                       query.Int(2),
                       query.Int(3),
                       {static_cast<int>(query.Int(4)), static_cast<int>(query.Int(5))}};
    if (std::find(serves.begin(), serves.end(), row.stage) == serves.end()) continue;
    if (!first || rank(row) < rank(*first)) first = row;
  }
  SLUICE_RETURN_IF_ERROR(query.status());
  return first;
}

// Alone means without company that is in its own time alone: a death with one lease in the file names its
// job, and one with several blames nobody but who outstayed his time.
absl::StatusOr<std::vector<BatchTables::ReadyRow>> BatchTables::NextReady(const ClaimRequest& request) {
  SLUICE_ASSIGN_OR_RETURN(const std::optional<ReadyRow> suspect, FirstSuspect(request));
  SLUICE_ASSIGN_OR_RETURN(const bool held, AnyYoungLease(/*suspects=*/!suspect.has_value()));
  std::vector<ReadyRow> rows;
  if (suspect.has_value() || held) {
    const bool wanted = suspect.has_value() && std::find(request.stages.begin(), request.stages.end(),
                                                         suspect->stage) != request.stages.end();
    if (wanted && !held) rows.push_back(*suspect);
    return rows;
  }
  return NextOrdinary(request);
}

absl::Status BatchTables::MarkOutstayed() {
  return connection_.Run("UPDATE lease SET outstayed = 1 WHERE suspicion > 0 AND alone_until <= ?1",
                         ToColumn(clock_.MonotonicNow()));
}

absl::StatusOr<std::vector<BatchTables::ReadyRow>> BatchTables::NextOrdinary(const ClaimRequest& request) {
  std::vector<ReadyRow> rows;
  for (const Stage stage : request.stages) {
    Query query = connection_.Select(
        "SELECT job, batch_priority, priority, attempts FROM ready WHERE stage = ?1 AND suspicion = 0 "
        "ORDER BY batch_priority, batch, priority, job LIMIT ?2",
        ToColumn(stage), request.max_claims);
    while (query.Step()) {
      rows.push_back({query.Int(0), stage, query.Int(1), query.Int(2), {static_cast<int>(query.Int(3)), 0}});
    }
    SLUICE_RETURN_IF_ERROR(query.status());
  }
  std::sort(rows.begin(), rows.end(),
            [this](const ReadyRow& a, const ReadyRow& b) { return RankOf(a) < RankOf(b); });
  if (rows.size() > static_cast<size_t>(request.max_claims))
    rows.resize(static_cast<size_t>(request.max_claims));
  return rows;
}

absl::Status BatchTables::FillJob(Claimed& claim, int64_t job) {
  claim.job_index = SlotOf(job);
  Query query = connection_.Select("SELECT id, payload FROM job WHERE job = ?1", job);
  if (!query.Step())
    return query.status().ok() ? absl::DataLossError("a ready job has no row") : query.status();
  claim.job_id = query.String(0);
  claim.payload = query.String(1);
  if (!stages_.HasSteps(claim.kind)) return absl::OkStatus();
  Query artifact = connection_.Select("SELECT artifact FROM artifact WHERE job = ?1", job);
  if (artifact.Step()) claim.artifact = artifact.String(0);
  return artifact.status();
}

absl::Status BatchTables::FillTask(Claimed& claim, int64_t task) {
  Query query = connection_.Select(
      "SELECT task.job, task.number, job.id, task.payload FROM task JOIN job ON job.job = task.job "
      "WHERE task.task = ?1",
      task);
  if (!query.Step())
    return query.status().ok() ? absl::DataLossError("a ready task has no row") : query.status();
  claim.job_index = SlotOf(query.Int(0));
  claim.task = static_cast<int>(query.Int(1));
  claim.job_id = query.String(2);
  claim.payload = query.String(3);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Claimed>> BatchTables::Claim(const ClaimRequest& request) {
  SLUICE_RETURN_IF_ERROR(CheckClaim(request, stages_));
  SLUICE_RETURN_IF_ERROR(CheckSession(request.session));
  SLUICE_ASSIGN_OR_RETURN(const std::vector<ReadyRow> rows, NextReady(request));
  std::vector<Claimed> claims;
  if (rows.empty()) return claims;
  SLUICE_RETURN_IF_ERROR(MarkOutstayed());
  SLUICE_ASSIGN_OR_RETURN(Fence fence, TakeNumbers("fence", static_cast<int64_t>(rows.size())));
  claims.reserve(rows.size());
  int64_t bytes = 0;
  for (const ReadyRow& row : rows) {
    const StageRow& stage = stages_.At(row.stage);
    Claimed claim;
    claim.batch_id = BatchId(BatchOfKey(row.job));
    claim.kind = stage.kind;
    claim.stage = stage.id;
    claim.scope = stage.scope;
    claim.slot = SlotOf(row.job);
    claim.attempt = row.tries.attempts + 1;
    claim.alone = row.tries.suspicion > 0;
    claim.fence = fence++;
    if (stage.scope == StageScope::kJob) SLUICE_RETURN_IF_ERROR(FillJob(claim, row.job));
    if (stage.scope == StageScope::kTask) SLUICE_RETURN_IF_ERROR(FillTask(claim, row.job));
    bytes += static_cast<int64_t>(claim.payload.size() + claim.artifact.size());
    if (bytes > request.max_payload_bytes && !claims.empty()) break;
    SLUICE_RETURN_IF_ERROR(connection_.Run("DELETE FROM ready WHERE job = ?1", row.job));
    SLUICE_RETURN_IF_ERROR(InsertLease(row, request, claim));
    claims.push_back(std::move(claim));
  }
  SLUICE_RETURN_IF_ERROR(MarkRunning(claims));
  return claims;
}

absl::Status BatchTables::InsertLease(const ReadyRow& row, const ClaimRequest& request,
                                      const Claimed& claim) {
  const absl::Duration now = clock_.MonotonicNow();
  return connection_.Run(
      "INSERT INTO lease (job, stage, priority, session, fence, attempt, suspicion, run_until, alone_until) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
      row.job, ToColumn(row.stage), row.priority, request.session, claim.fence, claim.attempt,
      row.tries.suspicion, ToColumn(now + stages_.At(row.stage).longest_attempt),
      ToColumn(now + limits_.alone_for));
}

absl::Status BatchTables::MarkRunning(absl::Span<const Claimed> claims) {
  absl::string_view last;
  for (const Claimed& claim : claims) {
    if (claim.batch_id == last) continue;
    last = claim.batch_id;
    const int64_t number = *BatchNumberOf(claim.batch_id, salt_);
    SLUICE_RETURN_IF_ERROR(connection_.Run(
        "UPDATE batch SET state = " SLUICE_RUNNING " WHERE batch = ?1 AND state = " SLUICE_PENDING, number));
    if (connection_.changes() > 0) changes_.batches.insert(number);
  }
  return absl::OkStatus();
}

absl::Status BatchTables::EndLeases(absl::Span<const LeaseKey> leases, LeaseEnd end) {
  std::vector<LeaseRow> held;
  for (const LeaseKey& lease : leases) {
    const std::optional<int64_t> number = BatchNumberOf(lease.batch_id, salt_);
    if (!number) continue;
    Query query = connection_.Select(
        "SELECT job, stage, priority, attempt, suspicion, outstayed FROM lease "
        "WHERE job = ?1 AND fence = ?2",
        JobKey(*number, lease.slot), lease.fence);
    if (query.Step()) held.push_back(LeaseOf(query));
    SLUICE_RETURN_IF_ERROR(query.status());
  }
  SweepReply reply;
  return Requeue(held, end, reply);
}

absl::Status BatchTables::ReturnClaims(absl::Span<const LeaseKey> leases) {
  return EndLeases(leases, LeaseEnd::kGivenBack);
}

absl::Status BatchTables::EndAttempts(absl::Span<const LeaseKey> leases) {
  return EndLeases(leases, LeaseEnd::kLost);
}

}  // namespace sluice
