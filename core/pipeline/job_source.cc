#include "core/pipeline/job_source.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "core/pipeline/store_call.h"

namespace sluice {
namespace {

// So many that those whose postings are dear do not keep a small one out: the workers are shared fairly among
// them. Each has two pages in memory, its profile's patterns and a few bytes a posting.
constexpr int kMaxTasksOfBatches = 64;
// Of those, claimed so lately: most end sooner, and after a crash all that were claimed run one by one.
constexpr int kMaxYoungTasks = 2;
constexpr absl::Duration kYoungFor = absl::Milliseconds(50);
// What a plan task needs, at most, from its batch's last outcome to its own end.
constexpr absl::Duration kEndsByItself = absl::Milliseconds(50);
constexpr absl::Duration kPollInterval = absl::Seconds(1);
constexpr absl::Duration kShortestPause = absl::Milliseconds(20);
constexpr absl::Duration kLongestPause = absl::Seconds(1);
constexpr int64_t kMaxClaimBytes = 4 << 20;
constexpr int kMaxClaims = 4096;  // what a claim may ask for

std::vector<Stage> KnownStages(const JobSource::Stages& stages) {
  std::vector<Stage> known;
  for (const auto& [stage, work] : stages) known.push_back(stage);
  return known;
}

}  // namespace

JobSource::JobSource(PipelineContext& context, Stages stages)
    : context_(context),
      stages_(std::move(stages)),
      served_(ServedStages(*context.parts.stages, KnownStages(stages_), context)),
      keeper_(context, {.opened = [this] { OnReady(); },
                        .lost =
                            [this](SessionId session) {
                              StopLeases(StopReason::kSessionLost,
                                         [session](const Lease& lease) { return lease.session == session; });
                            },
                        .batch_cancelled =
                            [this](const std::string& batch_id) {
                              StopLeases(StopReason::kBatchCancelled, [&batch_id](const Lease& lease) {
                                return lease.claim.batch_id == batch_id;
                              });
                            },
                        .renewed =
                            [this](const std::vector<LeaseKey>& leases) {
                              ReturnUnheld(leases);
                              StopTaken(leases);
                            }}),
      committer_(context, [this](const LeasePtr& lease, const Step& step, OutcomeCommitter::Ending ending) {
        OnStepEnded(lease, step, ending);
      }) {
  const int parser_workers = context.has_parser() ? context.parts.archive.parser->workers() : 0;
  for (ClaimStream& stream : ClaimStreams(*context.parts.stages, served_, parser_workers)) {
    const StageTable& table = *context.parts.stages;
    const bool in_rate = std::any_of(stream.stages.begin(), stream.stages.end(),
                                     [&table](Stage stage) { return IsInRate(table.At(stage).kind); });
    streams_.push_back({.what = std::move(stream), .in_rate = in_rate});
  }
  for (Stream& stream : streams_) {
    for (const Stage stage : stream.what.stages) stream_of_[stage] = &stream;
  }
}

void JobSource::Start(SessionId session, absl::Duration sent) {
  keeper_.Adopt(session, sent);
  context_.loop->After(kPollInterval, [this] { Poll(); });
}

void JobSource::Poll() {
  context_.loop->After(kPollInterval, [this] { Poll(); });
  OnReady();
}

void JobSource::OnReady() {
  for (Stream& stream : streams_) stream.maybe_ready = true;
  ClaimMore();
}

void JobSource::OnBatchEnded(const std::string& batch_id) {
  const bool holds = std::any_of(leases_.begin(), leases_.end(),
                                 [&](const auto& entry) { return entry.second->claim.batch_id == batch_id; });
  if (!holds) return;
  context_.loop->After(kEndsByItself, [this, batch_id] {
    StopLeases(StopReason::kBatchCancelled,
               [&batch_id](const Lease& lease) { return lease.claim.batch_id == batch_id; });
  });
}

void JobSource::ClaimMore() {
  const std::optional<SessionId> session = keeper_.session();
  if (!draining_ && context_.loop->Now() >= paused_until_ && session.has_value()) {
    for (Stream& stream : streams_) {
      if (stream.claiming || !stream.maybe_ready) continue;
      if (stream.what.bound == ClaimBound::kTasks) ClaimTasks(stream, *session);
      if (stream.what.bound == ClaimBound::kCredit) ClaimJobs(stream, *session);
      if (stream.what.bound == ClaimBound::kLeases)
        ClaimUpTo(context_.options.max_claimed_jobs, stream, *session);
      if (stream.what.bound == ClaimBound::kInFlight) ClaimUpTo(stream.what.max_in_flight, stream, *session);
    }
  }
  context_.meters->SetWork(Work(), context_.loop->Now());
}

// A claim that went takes `maybe_ready` with it: where it is left, there was no room to claim.
ServiceRate::Work JobSource::Work() const {
  const auto rated = [](const auto& entry) { return IsInRate(entry.second->claim.kind); };
  if (std::none_of(leases_.begin(), leases_.end(), rated)) return ServiceRate::Work::kNone;
  const bool left_lying = std::any_of(streams_.begin(), streams_.end(), [](const Stream& stream) {
    return stream.in_rate && stream.maybe_ready && !stream.claiming;
  });
  return left_lying ? ServiceRate::Work::kMoreThanFits : ServiceRate::Work::kSome;
}

void JobSource::ClaimTasks(Stream& stream, SessionId session) {
  const int young = stream.leases == 0 ? 0 : YoungTasks();
  const int room = std::min(kMaxYoungTasks - young, kMaxTasksOfBatches - stream.leases);
  if (room <= 0) return ClaimTasksLater();
  Claim(stream, session, room, kMaxClaimBytes);
}

int JobSource::YoungTasks() const {
  const absl::Duration born = context_.loop->Now() - kYoungFor;
  return static_cast<int>(std::count_if(leases_.begin(), leases_.end(), [born](const auto& entry) {
    return entry.second->claim.scope == StageScope::kBatch && entry.second->claimed_at > born;
  }));
}

void JobSource::ClaimTasksLater() {
  if (std::exchange(tasks_later_, true)) return;
  context_.loop->After(kYoungFor, [this] {
    tasks_later_ = false;
    ClaimMore();
  });
}

void JobSource::ClaimJobs(Stream& stream, SessionId session) {
  const int room = context_.options.max_claimed_jobs - stream.leases;
  const bool idle = stream.leases == 0;
  if (room <= 0 || (!idle && room < context_.options.max_claimed_jobs / 4)) return;
  int64_t max_bytes = kMaxClaimBytes;
  if (context_.has_model()) {
    const int64_t credit = CreditTokens();
    if (!WorthClaiming(credit, context_.options.credit_target_tokens, idle)) return;
    max_bytes = std::clamp<int64_t>(density_.BytesOf(credit), 1, kMaxClaimBytes);
  }
  Claim(stream, session, std::min(room, kMaxClaims), max_bytes);
}

void JobSource::ClaimUpTo(int most, Stream& stream, SessionId session) {
  const int room = most - stream.leases;
  if (room > 0) Claim(stream, session, std::min(room, kMaxClaims), kMaxClaimBytes);
}

void JobSource::Claim(Stream& stream, SessionId session, int max_claims, int64_t max_payload_bytes) {
  stream.claiming = true;
  stream.maybe_ready = false;
  context_.parts.queue->Claim({.session = session,
                               .stages = stream.what.stages,
                               .serves = served_,
                               .max_claims = max_claims,
                               .max_payload_bytes = max_payload_bytes},
                              context_.loop->Answer<absl::StatusOr<std::vector<Claimed>>>(
                                  [this, &stream, session](absl::StatusOr<std::vector<Claimed>> claims) {
                                    OnClaimed(stream, session, std::move(claims));
                                  }));
}

void JobSource::OnClaimed(Stream& stream, SessionId session, absl::StatusOr<std::vector<Claimed>> claims) {
  stream.claiming = false;
  if (!claims.ok()) {
    stream.maybe_ready = true;
    OnClaimFailed(session, claims.status());
  } else {
    if (!claims->empty()) stream.maybe_ready = true;
    for (Claimed& claim : *claims) Begin(session, std::move(claim));
  }
  ClaimMore();
  CheckDrained();
}

void JobSource::OnClaimFailed(SessionId session, const absl::Status& status) {
  if (absl::IsFailedPrecondition(status)) return keeper_.Lose(session);
  PauseClaims();
}

void JobSource::Begin(SessionId session, Claimed claim) {
  auto lease = std::make_shared<Lease>();
  lease->claim = std::move(claim);
  lease->session = session;
  lease->claimed_at = context_.loop->Now();
  leases_[lease->claim.fence] = lease;
  ++StreamOf(lease->claim).leases;
  if (HoldsCredit(lease->claim)) {
    lease->reserved_tokens = density_.TokensOf(static_cast<int64_t>(lease->claim.payload.size()));
    reserved_tokens_ += lease->reserved_tokens;
  }
  if (draining_ || keeper_.session() != session) return GiveBack(lease);
  stages_.at(lease->claim.stage)->Start(lease);
}

bool JobSource::HoldsCredit(const Claimed& claim) const {
  return context_.has_model() && context_.parts.stages->At(claim.stage).cost == CostUnit::kTokens;
}

int64_t JobSource::CreditTokens() const {
  return context_.parts.scheduler->BulkCreditTokens(context_.options.credit_target_tokens) - reserved_tokens_;
}

double JobSource::Saturation() const {
  if (!context_.has_model()) {
    return static_cast<double>(leases_.size()) / context_.options.max_claimed_jobs;
  }
  return 1.0 -
         static_cast<double>(CreditTokens()) / static_cast<double>(context_.options.credit_target_tokens);
}

void JobSource::Finish(const LeasePtr& lease, Step step) {
  if (lease->ended) return;
  lease->ended = true;
  ReleaseReserved(lease);
  context_.meters->ObserveStage(lease->claim.stage, context_.loop->Now() - lease->claimed_at);
  committer_.Add(lease, std::move(step));
  ClaimMore();
}

void JobSource::OnStepEnded(const LeasePtr& lease, const Step& step, OutcomeCommitter::Ending ending) {
  const absl::Duration now = context_.loop->Now();
  if (ending == OutcomeCommitter::Ending::kCommitted) {
    pause_ = absl::ZeroDuration();
    const auto* const outcome = std::get_if<NewOutcome>(&step);
    if (outcome != nullptr && lease->claim.scope == StageScope::kJob) {
      context_.meters->CountRecorded(lease->claim.kind, outcome->kind, now);
      context_.meters->ObserveJob(lease->claim.kind, now - lease->claimed_at);
    }
  } else if (ending == OutcomeCommitter::Ending::kFenced) {
    context_.meters->CountFenced(1);
  } else if (ending == OutcomeCommitter::Ending::kFailed) {
    EndAttempt(lease);
  } else if (ending == OutcomeCommitter::Ending::kNotNow) {
    Return(lease->key());
    PauseClaims();
  }
  Remove(lease);
}

void JobSource::GiveBack(const LeasePtr& lease) {
  if (lease->ended) return;
  lease->ended = true;
  Return(lease->key());
  if (lease->stop == StopReason::kNone) PauseClaims();
  Remove(lease);
}

void JobSource::GiveUp(const LeasePtr& lease) {
  if (lease->ended) return;
  lease->ended = true;
  EndAttempt(lease);
  Remove(lease);
}

void JobSource::EndAttempt(const LeasePtr& lease) {
  CallStore<void>(
      *context_.loop,
      [this, lease](Done<void> done) { context_.parts.queue->EndAttempts({lease->key()}, std::move(done)); },
      [this, lease] { return keeper_.session() != lease->session; }, [](const absl::Status&) {});
}

// The answer to a claim may be lost; nobody works on what it held. Asked twice, since an answer may be on its
// way; one that comes later still finds its leases fenced.
void JobSource::ReturnUnheld(const std::vector<LeaseKey>& leases) {
  std::set<Fence> unheld;
  for (const LeaseKey& lease : leases) {
    if (leases_.count(lease.fence) > 0) continue;
    if (unheld_.count(lease.fence) > 0) Return(lease);
    unheld.insert(lease.fence);
  }
  unheld_ = std::move(unheld);
}

// The store takes a lease back that is older than its stage allows, and those of a batch's tasks when the
// batch ends, without a word to whoever holds them. Here they would count against the bounds for as long as a
// request hangs. Asked twice, since a claim may be on its way.
void JobSource::StopTaken(const std::vector<LeaseKey>& leases) {
  std::set<Fence> listed;
  for (const LeaseKey& lease : leases) listed.insert(lease.fence);
  std::set<Fence> taken;
  for (const auto& [fence, lease] : leases_) {
    if (!lease->ended && listed.count(fence) == 0) taken.insert(fence);
  }
  StopLeases(StopReason::kSessionLost, [&](const Lease& lease) {
    return taken.count(lease.claim.fence) > 0 && taken_.count(lease.claim.fence) > 0;
  });
  taken_ = std::move(taken);
}

void JobSource::Return(LeaseKey lease) {
  if (returns_.empty()) context_.loop->Post([this] { FlushReturns(); });
  returns_.push_back(std::move(lease));
}

void JobSource::FlushReturns() {
  const std::optional<SessionId> session = keeper_.session();
  auto leases = std::make_shared<const std::vector<LeaseKey>>(std::exchange(returns_, {}));
  CallStore<void>(
      *context_.loop,
      [this, leases](Done<void> done) { context_.parts.queue->ReturnClaims(*leases, std::move(done)); },
      [this, session] {
        return keeper_.session() != session;
      },  // a lost session's leases return by themselves
      [](const absl::Status&) {});
  CheckDrained();
}

void JobSource::Drop(const LeasePtr& lease) {
  if (lease->ended) return;
  lease->ended = true;
  Remove(lease);
}

void JobSource::Submitted(const LeasePtr& lease, int64_t tokens) {
  density_.Learn(static_cast<int64_t>(lease->claim.payload.size()), tokens);
  ReleaseReserved(lease);
}

void JobSource::ReleaseReserved(const LeasePtr& lease) {
  reserved_tokens_ -= std::exchange(lease->reserved_tokens, 0);
}

void JobSource::Remove(const LeasePtr& lease) {
  ReleaseReserved(lease);
  if (leases_.erase(lease->claim.fence) > 0) --StreamOf(lease->claim).leases;
  ClaimMore();
  CheckDrained();
}

// What cannot be worked on now would be claimed again at once: wait, longer each time until an outcome is
// recorded.
void JobSource::PauseClaims() {
  const absl::Duration now = context_.loop->Now();
  if (draining_ || now < paused_until_) return;
  pause_ = std::clamp(2 * pause_, kShortestPause, kLongestPause);
  paused_until_ = now + pause_;
  context_.loop->After(pause_, [this] { OnReady(); });
}

void JobSource::StopLeases(StopReason reason, const std::function<bool(const Lease&)>& concerns) {
  for (const auto& [fence, lease] : leases_) {
    const bool stronger = reason == StopReason::kSessionLost || lease->stop == StopReason::kNone;
    if (!stronger || !concerns(*lease)) continue;
    lease->stop = reason;
    lease->cancellation.Cancel();
  }
}

void JobSource::Drain(Closure drained) {
  draining_ = true;
  drained_ = std::move(drained);
  StopLeases(StopReason::kDraining, [](const Lease&) { return true; });
  CheckDrained();
}

void JobSource::CheckDrained() {
  if (!draining_ || !drained_ || !leases_.empty() || !returns_.empty()) return;
  for (const Stream& stream : streams_) {
    if (stream.claiming) return;
  }
  keeper_.Close(std::exchange(drained_, nullptr));
}

}  // namespace sluice
