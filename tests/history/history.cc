#include "tests/history/history.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace sluice::history {
namespace {

using nlohmann::ordered_json;

// Each event's name and members, once for writing and reading: `member(name, field)` is called for each.
template <typename T>
struct Shape;

#define SLUICE_EVENT(Type, event_name, ...)                                      \
  template <>                                                                    \
  struct Shape<Type> {                                                           \
    static constexpr const char* kName = event_name;                             \
    template <typename E, typename Member>                                       \
    static void Members([[maybe_unused]] E& e, [[maybe_unused]] Member member) { \
      __VA_ARGS__;                                                               \
    }                                                                            \
  }

SLUICE_EVENT(Limits, "limits", member("max_attempts", e.max_attempts); member("tenant_jobs", e.tenant_jobs));
SLUICE_EVENT(Acknowledged, "acknowledged", member("batch", e.batch); member("tenant", e.tenant);
             member("kind", e.kind); member("jobs", e.jobs); member("request_id", e.request_id);
             member("digest", e.digest));
SLUICE_EVENT(Cancelled, "cancelled", member("batch", e.batch));
SLUICE_EVENT(DeleteAsked, "delete_asked", member("batch", e.batch));
SLUICE_EVENT(DeleteRefused, "delete_refused", member("batch", e.batch));
SLUICE_EVENT(Deleted, "deleted", member("batch", e.batch));
SLUICE_EVENT(Missing, "missing", member("batch", e.batch));
SLUICE_EVENT(BatchSeen, "batch", member("batch", e.batch); member("terminal", e.terminal);
             member("jobs", e.jobs); member("succeeded", e.succeeded); member("failed", e.failed);
             member("cancelled", e.cancelled); member("expired", e.expired);
             member("last_sequence", e.last_sequence); member("plan", e.plan));
SLUICE_EVENT(OutcomeSeen, "outcome", member("batch", e.batch); member("sequence", e.sequence);
             member("job", e.job); member("kind", e.kind); member("attempt", e.attempt);
             member("reason", e.reason); member("result", e.result));
SLUICE_EVENT(SessionOpened, "session_opened", member("session", e.session); member("until_us", e.until_us));
SLUICE_EVENT(SessionRenewed, "session_renewed", member("session", e.session); member("at_us", e.at_us);
             member("until_us", e.until_us));
SLUICE_EVENT(SessionClosed, "session_closed", member("session", e.session));
SLUICE_EVENT(Claimed, "claimed", member("batch", e.batch); member("job", e.job); member("stage", e.stage);
             member("session", e.session); member("fence", e.fence); member("attempt", e.attempt);
             member("at_us", e.at_us));
SLUICE_EVENT(Returned, "returned", member("batch", e.batch); member("job", e.job); member("fence", e.fence));
SLUICE_EVENT(Recorded, "recorded", member("batch", e.batch); member("job", e.job); member("fence", e.fence);
             member("kind", e.kind));
SLUICE_EVENT(Stepped, "stepped", member("batch", e.batch); member("job", e.job); member("fence", e.fence);
             member("step", e.step));
SLUICE_EVENT(PlanCommitted, "plan", member("batch", e.batch); member("plan", e.plan));
SLUICE_EVENT(Survivors, "survivors", member("batch", e.batch); member("jobs", e.jobs));
SLUICE_EVENT(Places, "places", member("batch", e.batch); member("jobs", e.jobs);
             member("waiting_or_ready", e.waiting_or_ready); member("leased", e.leased);
             member("done", e.done));
SLUICE_EVENT(Restarted, "restarted", member("died", e.died); member("leased", e.leased);
             member("suspects", e.suspects); member("suspects_after", e.suspects_after));
SLUICE_EVENT(Settled, "settled", );
#undef SLUICE_EVENT

template <typename T>
Event Parse(const ordered_json& object) {
  T event;
  Shape<T>::Members(event, [&](const char* name, auto& field) { object.at(name).get_to(field); });
  return event;
}

// Tries the variant's types one after another.
template <size_t... I>
absl::StatusOr<Event> ParseNamed(const std::string& name, const ordered_json& object,
                                 std::index_sequence<I...>) {
  absl::StatusOr<Event> parsed = absl::InvalidArgumentError(absl::StrCat("unknown event '", name, "'"));
  (void)((name == Shape<std::variant_alternative_t<I, Event>>::kName &&
          (parsed = Parse<std::variant_alternative_t<I, Event>>(object), true)) ||
         ...);
  return parsed;
}

}  // namespace

std::string ToLine(const Event& event) {
  return std::visit(
      [](const auto& e) {
        using T = std::decay_t<decltype(e)>;
        ordered_json object;
        object["event"] = Shape<T>::kName;
        Shape<T>::Members(e, [&](const char* name, const auto& field) { object[name] = field; });
        return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
      },
      event);
}

absl::StatusOr<Event> FromLine(const std::string& line) {
  try {
    const ordered_json object = ordered_json::parse(line);
    return ParseNamed(object.at("event").get<std::string>(), object,
                      std::make_index_sequence<std::variant_size_v<Event>>());
  } catch (const nlohmann::json::exception& error) {
    return absl::InvalidArgumentError(error.what());
  }
}

void Write(const History& history, std::ostream& out) {
  for (const Event& event : history) out << ToLine(event) << '\n';
}

absl::StatusOr<History> Read(std::istream& in) {
  History history;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.empty()) continue;
    absl::StatusOr<Event> event = FromLine(line);
    const bool cut = in.eof();  // the line has no end
    if (!event.ok() && cut) break;
    if (!event.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("line ", number, ": ", event.status().message()));
    }
    history.push_back(*std::move(event));
  }
  return history;
}

}  // namespace sluice::history
