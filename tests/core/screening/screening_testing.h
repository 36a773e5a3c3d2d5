// Short ways to write postings, rules and their answers in tests.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "absl/time/time.h"
#include "core/screening/screener.h"

namespace sluice {

inline absl::Time AsOf() {
  return absl::FromCivil(absl::CivilDay(2026, 1, 15), absl::UTCTimeZone());
}

inline Posting WithText(std::string description, std::string title = "Engineer") {
  Posting posting;
  posting.title = std::move(title);
  posting.company = "Acme GmbH";
  posting.description = std::move(description);
  return posting;
}

inline std::unique_ptr<Screener> ScreenerOf(std::vector<Rule> rules,
                                            std::string text = "C++ engineer for databases") {
  auto screener = Screener::Compile({.text = std::move(text), .rules = std::move(rules)});
  EXPECT_TRUE(screener.ok()) << screener.status();
  return screener.ok() ? *std::move(screener) : nullptr;
}

// With a budget of their own, which must be enough.
inline PhaseOneSummary SummaryOf(const Screener& screener, const Posting& posting,
                                 absl::Time as_of = AsOf()) {
  WorkBudget budget;
  const auto summary = screener.Summarise(posting, as_of, budget);
  EXPECT_TRUE(summary.ok()) << summary.status();
  return summary.value_or(PhaseOneSummary());
}

inline PhaseOneResult ResultOf(const Screener& screener, const Posting& posting, absl::Time as_of = AsOf()) {
  WorkBudget budget;
  auto result = screener.Explain(posting, as_of, budget);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? *std::move(result) : PhaseOneResult();
}

template <typename Condition>
Rule Must(Condition condition, std::string id = "rule") {
  Rule rule;
  rule.id = std::move(id);
  rule.condition = std::move(condition);
  return rule;
}

// The answer of one MUST rule, after checking that every piece of evidence can be found where it says.
template <typename Condition>
RuleResult Ask(Condition condition, const Posting& posting, std::vector<Field> fields = {}) {
  Rule rule = Must(std::move(condition));
  rule.fields = std::move(fields);
  const auto screener = ScreenerOf({rule});
  if (screener == nullptr) return {};
  const PhaseOneResult result = ResultOf(*screener, posting);
  EXPECT_EQ(result.summary.vetoed, SummaryOf(*screener, posting).vetoed);
  const std::string text = PostingText(posting);
  for (const Evidence& evidence : result.rules[0].evidence) {
    if (evidence.field != "text") continue;
    EXPECT_EQ(text.substr(evidence.begin_byte, evidence.end_byte - evidence.begin_byte), evidence.quote);
  }
  return result.rules[0];
}

template <typename Condition>
Ternary StateOf(Condition condition, const Posting& posting) {
  return Ask(std::move(condition), posting).state;
}

}  // namespace sluice
