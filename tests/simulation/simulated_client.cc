#include "tests/simulation/simulated_client.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(30);
constexpr absl::Duration kLongestWay =
    absl::Seconds(60);  // of a call to the store, with every fault of the link
constexpr const char* kWords[] = {"engineer", "senior",  "remote", "berlin", "python", "c++",   "data",
                                  "cloud",    "manager", "sales",  "nurse",  "munich", "paris", "rust"};
constexpr const char* kPolicies[] = {"volume", "fixed", "all", "rules_only"};

bool MayPass(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
}

}  // namespace

absl::Status SimulatedDoor::Admit(const std::string& tenant, int64_t jobs) {
  AdmissionState state;
  state.queued_jobs = on_the_way_[tenant];
  for (const auto& [id, standing] : world_.standings) {
    if (standing.tenant == tenant) state.queued_jobs += standing.jobs - standing.done;
  }
  absl::Status admitted = sluice::Admit(limits_, state, {.jobs = jobs});
  if (!admitted.ok()) {
    world_.faults.Reached(Landmark::kRefusedByDoor);
    return admitted;
  }
  on_the_way_[tenant] += jobs;
  world_.timeline.After(kLongestWay, [this, tenant, jobs] { on_the_way_[tenant] -= jobs; });
  return admitted;
}

void SimulatedClient::Live(absl::Duration end) {
  if (world_.timeline.Now() > end) return;
  ActOnce();
  world_.timeline.After(world_.dice.Between(absl::Milliseconds(200), absl::Seconds(8)),
                        [this, end] { Live(end); });
}

void SimulatedClient::ActOnce() {
  const int64_t dice = world_.dice.Below(20);
  if (batches_.empty() || dice < 6) return Create();
  if (dice < 9) return UploadParts();
  if (dice < 11) return Repeat();
  if (dice < 14) return Cancel();
  if (dice < 15) return Delete();
  Read();
}

std::string SimulatedClient::DrawText() {
  if (world_.dice.OneIn(40)) return "!broken";
  std::string text = world_.dice.OneIn(40) ? "poison" : "";
  for (int64_t words = world_.dice.Between(1, 30); words > 0; --words) {
    absl::StrAppend(&text, text.empty() ? "" : " ", kWords[world_.dice.Below(std::ssize(kWords))]);
  }
  return text;
}

std::string SimulatedClient::DrawSpec(JobKind kind) {
  if (world_.dice.OneIn(30)) return "nonsense";
  if (kind == kStepped) return "stepped";
  if (kind == JobKind::kEmbed) return world_.dice.OneIn(2) ? "end" : "error";
  return absl::StrCat(kPolicies[world_.dice.Below(std::ssize(kPolicies))], " 0.", world_.dice.Between(1, 9),
                      " senior engineer python berlin");
}

SimulatedClient::RequestPtr SimulatedClient::Draw() {
  auto request = std::make_shared<Request>();
  NewBatch& batch = request->batch;
  batch.tenant = tenant_;
  constexpr JobKind kKinds[] = {JobKind::kScreen, JobKind::kEmbed, kStepped};
  batch.kind = kKinds[world_.dice.Below(std::ssize(kKinds))];
  batch.spec = DrawSpec(batch.kind);
  batch.as_of = world_.clock.WallNow();
  batch.priority = static_cast<int>(world_.dice.Below(3));
  if (world_.dice.OneIn(8)) batch.expires_after = absl::Seconds(world_.dice.Between(1, 40));
  ++next_request_;
  batch.digest = absl::StrCat(tenant_, " content ", next_request_);
  if (!world_.dice.OneIn(5)) batch.request_id = absl::StrCat("request ", next_request_);
  const bool many = world_.dice.OneIn(6) && batch.kind != kStepped;
  const int64_t jobs = many ? world_.dice.Between(65, 300) : world_.dice.Between(1, 24);
  for (int64_t i = 0; i < jobs; ++i) request->jobs.push_back({absl::StrCat("job ", i), DrawText()});
  request->tries_left = batch.request_id.empty() ? 1 : 6;
  return request;
}

// --- one call

void SimulatedClient::Create() {
  const RequestPtr request = Draw();
  if (!request->batch.request_id.empty()) sent_.push_back(request);
  Try(request);
}

void SimulatedClient::Repeat() {
  if (sent_.empty()) return Create();
  auto again = std::make_shared<Request>(*sent_[static_cast<size_t>(world_.dice.Below(std::ssize(sent_)))]);
  again->tries_left = 1;
  again->answered = false;
  if (world_.dice.OneIn(4)) absl::StrAppend(&again->batch.digest, ", but changed");
  Try(again);
}

void SimulatedClient::Try(const RequestPtr& request) {
  --request->tries_left;
  SimulatedLink* link = pick_link_();
  if (link == nullptr || !door_.Admit(tenant_, std::ssize(request->jobs)).ok()) return TryAgain(request);
  const int number = ++request->try_number;
  world_.timeline.After(kTimeout, [this, request, number] {
    if (!request->answered && request->try_number == number) TryAgain(request);
  });
  link->CreateBatch(request->batch, request->jobs, [this, request, number](absl::StatusOr<Batch> batch) {
    if (request->answered || request->try_number != number) return;  // given up
    if (!batch.ok() && MayPass(batch.status())) return TryAgain(request);
    request->answered = true;
    if (batch.ok()) return batches_.push_back(batch->id);
    EXPECT_EQ(ReasonOf(batch.status()), "REQUEST_ID_REUSED") << batch.status();
    world_.faults.Reached(Landmark::kRefusedRequest);
  });
}

void SimulatedClient::TryAgain(const RequestPtr& request) {
  if (request->tries_left <= 0) return;
  world_.timeline.After(world_.dice.Between(absl::Milliseconds(100), absl::Seconds(4)), [this, request] {
    if (!request->answered) Try(request);
  });
}

// --- uploads: any failure, and sometimes nothing, cuts one off

void SimulatedClient::UploadParts() {
  const RequestPtr upload = Draw();
  SimulatedLink* link = pick_link_();
  if (link == nullptr || !door_.Admit(tenant_, std::ssize(upload->jobs)).ok()) return;
  NewBatch batch = upload->batch;
  batch.digest = "";
  link->BeginUpload(batch, [this, upload](const absl::StatusOr<Batch>& begun) {
    if (begun.ok()) Append(upload, begun->id, 0);
  });
}

void SimulatedClient::Append(const RequestPtr& upload, const std::string& batch_id, size_t first) {
  if (world_.dice.OneIn(8)) return;
  if (first == upload->jobs.size()) return Seal(upload, batch_id);
  SimulatedLink* link = pick_link_();
  if (link == nullptr) return;
  const size_t end = std::min(first + static_cast<size_t>(world_.dice.Between(1, 64)), upload->jobs.size());
  const std::vector<NewJob> part(upload->jobs.begin() + static_cast<ptrdiff_t>(first),
                                 upload->jobs.begin() + static_cast<ptrdiff_t>(end));
  link->AppendJobs({tenant_, batch_id}, part, [this, upload, batch_id, end](const absl::Status& appended) {
    if (appended.ok()) Append(upload, batch_id, end);
  });
}

void SimulatedClient::Seal(const RequestPtr& upload, const std::string& batch_id) {
  SimulatedLink* link = pick_link_();
  // The parts may have been on their way for longer than the door keeps a place.
  if (link == nullptr || !door_.Admit(tenant_, std::ssize(upload->jobs)).ok()) return;
  link->SealUpload({tenant_, batch_id}, upload->batch.digest, [this](const absl::StatusOr<Batch>& sealed) {
    if (sealed.ok()) batches_.push_back(sealed->id);
  });
}

// --- what happens to batches

void SimulatedClient::Cancel() {
  SimulatedLink* link = pick_link_();
  if (link == nullptr) return;
  const std::string id = PickBatch();
  const auto cancel = [this, link_of = pick_link_, id](const absl::StatusOr<Batch>& before) {
    SimulatedLink* now = link_of();
    if (now == nullptr || !before.ok()) return;
    if (before->state == BatchState::kPending) world_.faults.Reached(Landmark::kCancelledPending);
    if (before->state == BatchState::kRunning) world_.faults.Reached(Landmark::kCancelledRunning);
    if (IsTerminal(before->state)) world_.faults.Reached(Landmark::kCancelledTerminal);
    now->CancelBatch({tenant_, id}, [](const absl::StatusOr<Batch>&) {});
  };
  link->GetBatch({tenant_, id}, cancel);
}

void SimulatedClient::Delete() {
  SimulatedLink* link = pick_link_();
  if (link == nullptr) return;
  const auto index = static_cast<ptrdiff_t>(world_.dice.Below(std::ssize(batches_)));
  const std::string id = batches_[static_cast<size_t>(index)];
  link->DeleteBatch({tenant_, id}, [this, id](const absl::Status& deleted) {
    if (deleted.ok()) std::erase(batches_, id);
  });
}

// From the first outcome, page by page, as a client that comes back.
void SimulatedClient::Read() {
  SimulatedLink* link = pick_link_();
  if (link == nullptr) return;
  const std::string id = PickBatch();
  link->ReadOutcomes({tenant_, id}, 0, static_cast<int>(world_.dice.Between(1, 256)),
                     [this, id](const absl::StatusOr<std::vector<Outcome>>& page) {
                       SimulatedLink* next = pick_link_();
                       if (!page.ok() || page->empty() || next == nullptr) return;
                       next->ReadOutcomes({tenant_, id}, page->back().sequence, 256,
                                          [](const absl::StatusOr<std::vector<Outcome>>&) {});
                     });
}

}  // namespace sluice
