#include "tests/simulation/simulation.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <utility>

#include "core/base/log.h"
#include "gtest/gtest.h"
#include "tests/simulation/oracle.h"
#include "tests/simulation/simulated_client.h"
#include "tests/simulation/simulated_server.h"
#include "tests/simulation/stepped_stages.h"
#include "tests/simulation/world.h"

namespace sluice {
namespace {

constexpr absl::Duration kFaultyTime = absl::Minutes(2);
constexpr absl::Duration kTimeToSettle = absl::Minutes(30);
constexpr int kClients = 3;

class Simulation {
 public:
  explicit Simulation(const SimulationOptions& options);

  SimulationReport Run();

 private:
  bool on_disk() const { return store_.on_disk(); }
  SimulatedServer& PickServer() {
    return *servers_[static_cast<size_t>(world_.dice.Below(std::ssize(servers_)))];
  }
  SimulatedLink* PickLink();

  void Weather();
  void StrikeServers();
  void StrikeClock();
  void StrikeDisk();
  void CrashServer(SimulatedServer& server);
  void OnServerEnded(SimulatedServer& server);
  void StartLater(SimulatedServer& server);

  void Heal();
  bool Settled() const;
  void ReadAllAgain();
  void RunUntil(absl::Duration until);
  std::vector<history::Violation> CheckResults() const;

  World world_;
  const absl::Duration began_ = world_.timeline.Now();
  SimulatedStore store_;
  SimulatedDoor door_;
  std::vector<std::unique_ptr<SimulatedServer>> servers_;
  std::vector<std::unique_ptr<SimulatedClient>> clients_;
};

Simulation::Simulation(const SimulationOptions& options)
    : world_(options.seed),
      store_(
          world_, options.engine,
          [this] {
            for (const auto& server : servers_) {
              if (!world_.faults.Fires(FaultSite::kLostWakeUp)) server->OnReady();
            }
          },
          [this] { world_.timeline.After(absl::ZeroDuration(), [this] { CrashServer(*servers_[0]); }); }),
      door_(world_, world_.dice.Between(150, 1000)) {
  world_.history.push_back(history::Limits{SimulatedStore::kMaxAttempts, door_.max_tenant_jobs()});
  const int64_t servers = on_disk() ? 1 : world_.dice.Between(1, 3);
  for (int64_t i = 0; i < servers; ++i) {
    servers_.push_back(
        std::make_unique<SimulatedServer>(world_, store_, DrawServerShape(world_.dice),
                                          [this, i] { OnServerEnded(*servers_[static_cast<size_t>(i)]); }));
    world_.timeline.After(world_.dice.Between(absl::ZeroDuration(), absl::Seconds(2)),
                          [server = servers_.back().get()] { server->Start(); });
  }
  for (int i = 0; i < kClients; ++i) {
    clients_.push_back(std::make_unique<SimulatedClient>(
        world_, door_, i == 0 ? "" : absl::StrCat("tenant ", i), [this] { return PickLink(); }));
    clients_.back()->Live(began_ + kFaultyTime);
  }
  Weather();
}

SimulatedLink* Simulation::PickLink() {
  return PickServer().link();
}

// --- faults

void Simulation::Weather() {
  if (world_.faults.stopped()) return;
  StrikeServers();
  StrikeClock();
  StrikeDisk();
  if (world_.dice.OneIn(2)) PickServer().CallInteractively();
  if (world_.dice.OneIn(4)) store_.CheckPlaces();
  world_.timeline.After(world_.dice.Between(absl::Milliseconds(100), absl::Seconds(3)),
                        [this] { Weather(); });
}

void Simulation::StrikeServers() {
  for (const auto& server : servers_) {
    if (!server->running()) continue;
    if (world_.faults.Fires(FaultSite::kCrash)) {
      CrashServer(*server);
    } else if (on_disk() && world_.faults.Fires(FaultSite::kFailedStore)) {
      server->Crash();
      OnServerEnded(*server);
    } else if (world_.faults.Fires(FaultSite::kPauseBeyondLease)) {
      server->StandStill(world_.dice.Between(absl::Seconds(16), absl::Seconds(60)));
    } else if (world_.faults.Fires(FaultSite::kDrain)) {
      server->Drain(world_.dice.Between(absl::Milliseconds(1), absl::Seconds(40)));
    }
  }
}

void Simulation::StrikeClock() {
  if (world_.faults.Fires(FaultSite::kClockForward)) {
    world_.clock.JumpWall(world_.dice.Between(absl::Seconds(1), absl::Minutes(20)));
  }
  if (world_.faults.Fires(FaultSite::kClockBack)) {
    world_.clock.JumpWall(-world_.dice.Between(absl::Seconds(1), absl::Minutes(20)));
  }
}

void Simulation::StrikeDisk() {
  if (!on_disk() || !world_.faults.Fires(FaultSite::kDiskFull)) return;
  store_.SetDiskFull(true);
  world_.timeline.After(world_.dice.Between(absl::Milliseconds(10), absl::Seconds(10)),
                        [this] { store_.SetDiskFull(false); });
}

// The store on a disk dies with its server.
void Simulation::CrashServer(SimulatedServer& server) {
  if (on_disk()) store_.Die();
  server.Crash();
  StartLater(server);
}

void Simulation::OnServerEnded(SimulatedServer& server) {
  StartLater(server);
}

void Simulation::StartLater(SimulatedServer& server) {
  const absl::Duration down = world_.dice.Between(absl::Milliseconds(1), absl::Seconds(8));
  world_.timeline.After(down, [this, &server] {
    if (server.running()) return;
    if (on_disk()) store_.Restart();
    server.Start();
  });
}

// --- the end

void Simulation::Heal() {
  world_.faults.Stop();
  store_.SetDiskFull(false);
  for (const auto& server : servers_) {
    if (server->lacks_model()) server->Drain(absl::Seconds(5));  // and starts with it
  }
}

// Whether every batch that a client was promised has ended.
bool Simulation::Settled() const {
  return std::all_of(world_.standings.begin(), world_.standings.end(),
                     [this](const auto& standing) { return store_.SeenTerminal(standing.first); });
}

void Simulation::ReadAllAgain() {
  world_.history.push_back(history::Settled{});
  store_.CheckPlaces();
  for (const auto& [id, standing] : world_.standings) store_.ReadAgain(id);
  RunUntil(world_.timeline.Now() + absl::Seconds(5));
}

void Simulation::RunUntil(absl::Duration until) {
  while (world_.timeline.RunNext(until)) {
  }
}

std::vector<history::Violation> Simulation::CheckResults() const {
  std::map<std::string, std::map<int64_t, history::OutcomeSeen>> outcomes;
  std::map<std::string, std::string> plans;
  for (const history::Event& event : world_.history) {
    if (const auto* seen = std::get_if<history::OutcomeSeen>(&event))
      outcomes[seen->batch][seen->job] = *seen;
    if (const auto* plan = std::get_if<history::PlanCommitted>(&event)) plans[plan->batch] = plan->plan;
    const auto* batch = std::get_if<history::BatchSeen>(&event);
    if (batch != nullptr && !batch->plan.empty()) plans[batch->batch] = batch->plan;
  }
  std::vector<history::Violation> violations;
  for (const auto& [id, jobs] : outcomes) {
    ResultOracle oracle(world_, world_.contents.at(id), plans[id]);
    for (const auto& [job, seen] : jobs) {
      if (seen.reason == "NO_MODEL" && world_.contents.at(id).batch.kind == JobKind::kScreen) {
        violations.push_back(
            {"I15", world_.history.size(),
             absl::StrCat("job ", job, " of ", id, " failed for want of a model, not waited")});
      }
      if (seen.kind != OutcomeKindName(OutcomeKind::kSucceeded)) continue;
      const Content& content = world_.contents.at(id);
      const std::string& payload = content.jobs[static_cast<size_t>(job)].payload;
      if (content.batch.kind == kStepped) {
        if (IsSteppedResult(payload, seen.result)) continue;
        violations.push_back({"I18", world_.history.size(),
                              absl::StrCat("job ", job, " of ", id, " has '", seen.result, "' of '", payload,
                                           "': not each of its tasks once")});
        continue;
      }
      const std::string expected = oracle.ResultOf(job, seen.attempt > 0);
      if (seen.result == expected) continue;
      violations.push_back(
          {"I15", world_.history.size(),
           absl::StrCat("job ", job, " of ", id, " has '", seen.result, "', want '", expected, "'")});
    }
  }
  return violations;
}

SimulationReport Simulation::Run() {
  RunUntil(began_ + kFaultyTime);
  Heal();
  // What is still on its way arrives, what stands still goes on; then it is a matter of work.
  RunUntil(world_.timeline.Now() + absl::Minutes(2));
  const absl::Duration give_up = world_.timeline.Now() + kTimeToSettle;
  while (!Settled() && world_.timeline.Now() < give_up) RunUntil(world_.timeline.Now() + absl::Seconds(10));
  const absl::Duration ended = world_.timeline.Now() - began_;
  ReadAllAgain();
  for (const auto& server : servers_) {
    EXPECT_TRUE(server->AllCallsAnswered()) << "an interactive call was not answered, or twice";
  }
  SimulationReport report;
  report.violations = history::Check(world_.history);
  if (!world_.store_lost.ok())
    report.violations.push_back({"I17", world_.history.size(), world_.store_lost.ToString()});
  if (report.violations.empty())
    report.violations = CheckResults();  // else what was sent is not what is there
  report.history = std::move(world_.history);
  report.fired = world_.faults.fired();
  report.landmarks = world_.faults.landmarks();
  report.steps = world_.timeline.ran();
  report.ended = ended;
  return report;
}

}  // namespace

SimulationReport Simulate(const SimulationOptions& options) {
  ConfigureLog({.level = LogLevel::kError}).IgnoreError();  // lost sessions are what this is about
  return Simulation(options).Run();
}

}  // namespace sluice
