#include "client/cpp/command/verdict_tally.h"

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

constexpr size_t kMaxFailuresTold = 10;

// Evidence that recency rules alone give.
std::optional<absl::CivilDay> DateRead(const v1::RuleResult& rule) {
  for (const v1::Evidence& evidence : rule.evidence()) {
    if (evidence.field() != "date_posted") continue;
    absl::CivilDay day;
    const std::string& date = evidence.normalised().empty() ? evidence.quote() : evidence.normalised();
    if (absl::ParseCivilTime(date, &day)) return day;
  }
  return std::nullopt;
}

void AddRule(const v1::RuleResult& rule, VerdictTally& tally) {
  const std::optional<absl::CivilDay> date = DateRead(rule);
  if (date.has_value() && (!tally.newest.has_value() || *date > *tally.newest)) tally.newest = date;
  if (!rule.vetoes()) return;
  auto found = tally.vetoes.find(rule.rule_id());
  if (found == tally.vetoes.end()) {
    if (tally.vetoes.size() == VerdictTally::kMaxRules) return;
    found = tally.vetoes.try_emplace(rule.rule_id()).first;
  }
  VerdictTally::Vetoes& vetoes = found->second;
  ++vetoes.postings;
  if (date.has_value() && rule.state() == v1::RuleResult::VIOLATED) ++vetoes.by_age;
  if (rule.state() == v1::RuleResult::UNKNOWN) ++vetoes.unknown;
}

}  // namespace

void VerdictTally::Add(const v1::JobResult& result) {
  if (result.has_verdict()) ++judged;
  switch (result.verdict().decision()) {
    case v1::Verdict::ACCEPT:
      ++accepted;
      break;
    case v1::Verdict::REVIEW:
      ++to_review;
      break;
    case v1::Verdict::REJECT:
      ++rejected;
      break;
    default:
      break;
  }
  for (const v1::RuleResult& rule : result.verdict().rules()) AddRule(rule, *this);
  if (result.outcome() == v1::JobResult::FAILED && failures.size() < kMaxFailuresTold) {
    failures.push_back(absl::StrCat(result.id(), ": ", result.error().message()));
  }
}

}  // namespace sluice
