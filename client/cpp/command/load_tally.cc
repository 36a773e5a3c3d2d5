#include "client/cpp/command/load_tally.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/cpp/command/progress.h"
#include "core/base/error_details.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

bool IsRefusal(const absl::Status& status) {
  return absl::IsResourceExhausted(status) || (absl::IsUnavailable(status) && !ReasonOf(status).empty());
}

std::string ReasonText(const absl::Status& status) {
  std::string reason = ReasonOf(status);
  return reason.empty() ? absl::StatusCodeToString(status.code()) : reason;
}

double Milliseconds(absl::Duration duration) {
  return static_cast<double>(absl::ToInt64Microseconds(duration)) / 1000;
}

Json LatencyJson(const LatencyHistogram& latency) {
  return {{"count", latency.count()},
          {"mean_ms", Milliseconds(latency.Mean())},
          {"p50_ms", Milliseconds(latency.Quantile(0.5))},
          {"p90_ms", Milliseconds(latency.Quantile(0.9))},
          {"p99_ms", Milliseconds(latency.Quantile(0.99))},
          {"p999_ms", Milliseconds(latency.Quantile(0.999))},
          {"max_ms", Milliseconds(latency.max())}};
}

std::string LatencyText(const LatencyHistogram& latency) {
  return absl::StrFormat("p50 %.1f  p90 %.1f  p99 %.1f  max %.1f ms", Milliseconds(latency.Quantile(0.5)),
                         Milliseconds(latency.Quantile(0.9)), Milliseconds(latency.Quantile(0.99)),
                         Milliseconds(latency.max()));
}

}  // namespace

void LoadTally::NotSent(absl::Duration due) {
  ++not_sent_;
  ++SecondOf(due).other;
}

void LoadTally::Ended(absl::Duration due, absl::Duration latency, const absl::Status& status) {
  Second& second = SecondOf(due);
  if (status.ok()) {
    answered_.Record(latency);
    second.latency.Record(latency);
    ++second.answered;
    return;
  }
  ++reasons_[ReasonText(status)];
  const bool refused = IsRefusal(status);
  (refused ? refused_ : failed_).Record(latency);
  ++(refused ? second.refused : second.other);
}

double LoadTally::PerSecond(int64_t calls) const {
  const double seconds = absl::ToDoubleSeconds(length_);
  return seconds > 0 ? static_cast<double>(calls) / seconds : 0;
}

LoadTally::Second& LoadTally::SecondOf(absl::Duration due) {
  const auto index = static_cast<size_t>(std::max<int64_t>(0, absl::ToInt64Seconds(due)));
  if (index >= seconds_.size()) seconds_.resize(index + 1);
  return seconds_[index];
}

std::string LoadStepText(const LoadStep& step) {
  const LoadTally& tally = step.tally;
  std::string text = absl::StrFormat("%-9s offered %.1f/s  answered %.1f/s (%.1f texts/s)  %s\n", step.name,
                                     tally.OfferedPerSecond(), tally.GoodputPerSecond(),
                                     tally.TextsPerSecond(), LatencyText(tally.answered()));
  if (tally.refused().count() > 0) {
    absl::StrAppend(&text, "          refused ", WithThousands(tally.refused().count()), "  ",
                    LatencyText(tally.refused()), "\n");
  }
  if (tally.failed().count() > 0)
    absl::StrAppend(&text, "          failed ", WithThousands(tally.failed().count()), "\n");
  if (tally.not_sent() > 0)
    absl::StrAppend(&text, "          not sent in time ", WithThousands(tally.not_sent()), "\n");
  if (!tally.reasons().empty()) {
    absl::StrAppend(&text, "          ", absl::StrJoin(tally.reasons(), ", ", absl::PairFormatter(" ")),
                    "\n");
  }
  return text;
}

std::string LoadStepJson(const LoadStep& step) {
  const LoadTally& tally = step.tally;
  Json seconds = Json::array();
  for (const LoadTally::Second& second : tally.seconds()) {
    seconds.push_back({{"answered", second.answered},
                       {"refused", second.refused},
                       {"other", second.other},
                       {"p50_ms", Milliseconds(second.latency.Quantile(0.5))},
                       {"p99_ms", Milliseconds(second.latency.Quantile(0.99))}});
  }
  const Json json = {{"step", step.name},
                     {"rate", step.rate},
                     {"seconds", absl::ToDoubleSeconds(tally.length())},
                     {"due", tally.due()},
                     {"offered_per_second", tally.OfferedPerSecond()},
                     {"goodput_per_second", tally.GoodputPerSecond()},
                     {"texts_per_second", tally.TextsPerSecond()},
                     {"answered", LatencyJson(tally.answered())},
                     {"refused", LatencyJson(tally.refused())},
                     {"failed", LatencyJson(tally.failed())},
                     {"not_sent", tally.not_sent()},
                     {"reasons", tally.reasons()},
                     {"by_second", std::move(seconds)}};
  return json.dump();
}

}  // namespace sluice
