#include "client/cpp/command/veto_text.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/cpp/command/progress.h"
#include "client/cpp/formats/terminal_text.h"

namespace sluice {
namespace {

constexpr size_t kRulesNamed = 5;
constexpr size_t kHints = 3;
constexpr int kMaxIdColumns = 40;

using RuleVetoes = std::pair<std::string, VerdictTally::Vetoes>;

std::vector<RuleVetoes> MostFirst(const VerdictTally& tally) {
  std::vector<RuleVetoes> rules(tally.vetoes.begin(), tally.vetoes.end());
  std::sort(rules.begin(), rules.end(), [](const RuleVetoes& a, const RuleVetoes& b) {
    return a.second.postings != b.second.postings ? a.second.postings > b.second.postings : a.first < b.first;
  });
  return rules;
}

std::string Named(const std::string& rule) {
  return absl::StrCat("'", EscapeName(rule, kMaxIdColumns), "'");
}

// Whether `part` is so much of the postings that what is left is nothing, or almost.
bool IsNearlyAll(int64_t part, const VerdictTally& tally) {
  return part * 10 >= tally.judged * 9;
}

std::string HintFor(const RuleVetoes& rule, const VerdictTally& tally, const v1::Batch& batch) {
  const VerdictTally::Vetoes& vetoes = rule.second;
  std::string text = absl::StrCat("hint       rule ", Named(rule.first), " leaves ",
                                  WithThousands(tally.judged - vetoes.postings), " of ",
                                  WithThousands(tally.judged), " postings");
  const absl::CivilDay as_of =
      absl::ToCivilDay(absl::FromUnixSeconds(batch.as_of().seconds()), absl::UTCTimeZone());
  if (IsNearlyAll(vetoes.by_age, tally) && tally.newest.has_value() && *tally.newest < as_of) {
    const std::string newest = absl::FormatCivilTime(*tally.newest);
    absl::StrAppend(&text, ". The newest is from ", newest, ", and ages count from ",
                    absl::FormatCivilTime(as_of), ". To count from another day, screen with --as-of=", newest,
                    " or the like.\n");
  } else if (2 * vetoes.unknown > vetoes.postings) {
    absl::StrAppend(
        &text, ". ", WithThousands(vetoes.unknown),
        " say nothing that it could judge, and its on_unknown rejects those. See it in the profile.\n");
  } else {
    absl::StrAppend(&text, ". See it in the profile; --json shows what it read in each posting.\n");
  }
  return text;
}

}  // namespace

std::string VetoText(const VerdictTally& tally, const v1::Batch& batch) {
  const std::vector<RuleVetoes> rules = MostFirst(tally);
  if (rules.empty()) return "";
  std::string text = "vetoes     ";
  const size_t named = std::min(kRulesNamed, rules.size());
  for (size_t i = 0; i < named; ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ", ", Named(rules[i].first), " ",
                    WithThousands(rules[i].second.postings));
  }
  if (rules.size() > named) absl::StrAppend(&text, " and ", rules.size() - named, " rules more");
  absl::StrAppend(&text, rules.size() > 1 ? " (a posting can have several)\n" : "\n");
  for (size_t i = 0; i < std::min(kHints, rules.size()); ++i) {
    if (IsNearlyAll(rules[i].second.postings, tally)) text += HintFor(rules[i], tally, batch);
  }
  return text;
}

}  // namespace sluice
