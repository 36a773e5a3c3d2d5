#include "core/screening/reasons.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace sluice {
namespace {

constexpr size_t kTermsNamed = 3;

std::string QuoteOf(const RuleResult& rule) {
  for (const Evidence& evidence : rule.evidence) {
    if (!evidence.quote.empty()) return absl::StrCat(" (\"", evidence.quote, "\")");
  }
  return "";
}

std::string OutcomeOf(const Verdict& verdict, const VerdictCuts& cuts) {
  const std::string score = absl::StrFormat("%.2f", verdict.score);
  switch (verdict.decision) {
    case Decision::kAccept:
      return absl::StrFormat("accepted at %s (accept from %.2f)", score, cuts.accept_at);
    case Decision::kReview:
      return absl::StrFormat("for review at %s (accept from %.2f)", score, cuts.accept_at);
    case Decision::kReject:
      return absl::StrFormat("rejected at %s (review from %.2f)", score, cuts.review_at);
  }
  return "";
}

void AddVetoes(const Verdict& verdict, std::vector<std::string>* reasons) {
  for (const RuleResult& rule : verdict.rules) {
    if (!rule.vetoes) continue;
    const char* unwanted = rule.effect == RuleEffect::kMustNot ? "must-not rule" : "rule";
    const char* unknown = rule.state == Ternary::kUnknown ? ", which the rule does not allow" : "";
    reasons->push_back(absl::StrCat("rejected: ", unwanted, " '", rule.rule_id, "' — ", rule.explanation,
                                    unknown, QuoteOf(rule)));
  }
}

bool HasThreshold(const GatePlan& plan) {
  return plan.policy == GatePolicy::kVolume || plan.policy == GatePolicy::kFixed;
}

void AddUnderTheGate(const Verdict& verdict, const GatePlan& plan, std::vector<std::string>* reasons) {
  if (!HasThreshold(plan) || verdict.phase2.has_value()) return;
  reasons->push_back(absl::StrFormat("not encoded: under the gate at %.2f (threshold %.2f)", verdict.phase1,
                                     plan.threshold));
}

void AddGate(const Verdict& verdict, const GatePlan& plan, std::vector<std::string>* reasons) {
  if (!HasThreshold(plan) || !verdict.phase2.has_value()) return;
  reasons->push_back(
      absl::StrFormat("passed the gate at %.2f (threshold %.2f)", verdict.phase1, plan.threshold));
}

void AddSimilarity(const Verdict& verdict, std::vector<std::string>* reasons) {
  if (!verdict.cosine.has_value()) return;
  const char* degree = *verdict.cosine >= 0.5   ? "similar to"
                       : *verdict.cosine >= 0.3 ? "somewhat similar to"
                                                : "unlike";
  reasons->push_back(absl::StrFormat("%s the profile (cosine %.2f)", degree, *verdict.cosine));
}

void AddWishes(const Verdict& verdict, std::vector<std::string>* reasons) {
  for (const RuleResult& rule : verdict.rules) {
    if (rule.effect != RuleEffect::kShould || rule.contribution == 0) continue;
    reasons->push_back(absl::StrFormat("rule '%s' %s %.2g — %s%s", rule.rule_id,
                                       rule.contribution > 0 ? "adds" : "takes off",
                                       std::abs(rule.contribution), rule.explanation, QuoteOf(rule)));
  }
}

void AddTerms(const Verdict& verdict, std::vector<std::string>* reasons) {
  if (verdict.terms.empty()) {
    reasons->push_back("shares no term with the profile");
    return;
  }
  std::string sentence = "shares with the profile:";
  for (size_t i = 0; i < verdict.terms.size() && i < kTermsNamed; ++i) {
    absl::StrAppendFormat(&sentence, "%s %s (%.0f %%)", i == 0 ? "" : ",", verdict.terms[i].term,
                          verdict.terms[i].share * 100);
  }
  reasons->push_back(sentence);
}

}  // namespace

std::vector<std::string> ReasonsFor(const Verdict& verdict, const GatePlan& plan, const VerdictCuts& cuts) {
  std::vector<std::string> reasons;
  if (verdict.decided_by == DecidedBy::kVeto) {
    AddVetoes(verdict, &reasons);
    AddTerms(verdict, &reasons);
    return reasons;
  }
  AddUnderTheGate(verdict, plan, &reasons);
  AddWishes(verdict, &reasons);
  AddSimilarity(verdict, &reasons);
  AddTerms(verdict, &reasons);
  AddGate(verdict, plan, &reasons);
  reasons.push_back(OutcomeOf(verdict, cuts));
  return reasons;
}

}  // namespace sluice
