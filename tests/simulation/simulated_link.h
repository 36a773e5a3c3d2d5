// SimulatedLink: one server's way to the store. Calls and answers take time, come late, out of order, or not
// at all.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "core/base/error_details.h"
#include "tests/fakes/intercepted_batch_store.h"
#include "tests/simulation/simulated_store.h"
#include "tests/simulation/world.h"

namespace sluice {

// Outlives its server: what is on its way when the server dies may still arrive.
class SimulatedLink final : public InterceptedBatchStore<SimulatedLink> {
 public:
  struct End {
    std::function<bool()> alive;
    std::function<void(absl::Duration delay, Closure closure)>
        post;  // on the server, unless it is dead by then
  };

  SimulatedLink(World& world, SimulatedStore& store, End server)
      : InterceptedBatchStore(store.calls()), world_(world), machine_(store), server_(std::move(server)) {}

 private:
  friend class InterceptedBatchStore<SimulatedLink>;

  template <typename Answer, typename Issue>
  void Intercept(const char*, absl::AnyInvocable<void(Answer) &&> done, Issue issue) {
    Faults& faults = world_.faults;
    auto reply = std::make_shared<absl::AnyInvocable<void(Answer) &&>>(std::move(done));
    if (faults.Fires(FaultSite::kRefusedCall)) return Reply<Answer>(reply, Away("refused"), Hop());
    if (faults.Fires(FaultSite::kBusyStore)) {
      const absl::Status busy = WithReason(absl::ResourceExhaustedError("simulated: busy"), "STORE_BUSY");
      return Reply<Answer>(reply, busy, Hop());
    }
    absl::Duration delay = Hop();
    if (faults.Fires(FaultSite::kSlowCall))
      delay += world_.dice.Between(absl::Milliseconds(10), absl::Seconds(3));
    bool heard = true;
    if (faults.Fires(FaultSite::kLateExecution)) {
      heard = false;
      delay += world_.dice.Between(absl::Milliseconds(50), absl::Seconds(20));
      Reply<Answer>(reply, Away("timed out"), Hop());
    }
    world_.timeline.After(delay,
                          [this, reply, heard, life = machine_.life(), issue = std::move(issue)]() mutable {
                            if (machine_.dead() || machine_.life() != life) return;
                            if (!server_.alive() && world_.dice.OneIn(2)) return;
                            issue([this, reply, heard](Answer answer) {
                              if (heard) Return<Answer>(reply, std::move(answer));
                            });
                          });
  }

  template <typename Answer, typename Done>
  void Return(const std::shared_ptr<Done>& reply, Answer answer) {
    absl::Duration delay = Hop();
    if (world_.faults.Fires(FaultSite::kSlowAnswer))
      delay += world_.dice.Between(absl::Seconds(1), absl::Seconds(20));
    if (world_.faults.Fires(FaultSite::kLostAnswer)) return Reply<Answer>(reply, Away("answer lost"), delay);
    Reply<Answer>(reply, std::move(answer), delay);
  }

  template <typename Answer, typename Done>
  void Reply(const std::shared_ptr<Done>& reply, Answer answer, absl::Duration delay) {
    server_.post(delay,
                 [reply, answer = std::move(answer)]() mutable { std::move (*reply)(std::move(answer)); });
  }

  absl::Duration Hop() { return world_.dice.Between(absl::Microseconds(20), absl::Milliseconds(1)); }
  static absl::Status Away(const char* how) {
    return absl::UnavailableError(absl::StrCat("simulated: ", how));
  }

  World& world_;
  SimulatedStore& machine_;
  const End server_;
};

}  // namespace sluice
