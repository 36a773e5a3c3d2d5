// RuleCondition: the compiled form of one rule's condition. A kind of rule is one file in this folder and one
// line in rule_kinds.cc.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/base/error_details.h"
#include "core/screening/posting_view.h"
#include "core/screening/profile.h"
#include "core/screening/screener.h"

namespace sluice {

// What a person is told about a rule's answer.
struct RuleReasons {
  std::vector<Evidence> evidence;
  std::string sentence;  // "posting pays at most 61,000 USD/year, profile wants at least 70,000"
};

// Immutable and thread-safe.
class RuleCondition {
 public:
  virtual ~RuleCondition() = default;

  // nullopt: the rule does not apply to this posting. The same answer, for the same steps of the posting's
  // budget, whether or not `reasons` are wanted (not null). No answer counts once the budget says stop.
  virtual std::optional<Ternary> Evaluate(PostingView& posting, absl::Time as_of,
                                          RuleReasons* reasons) const = 0;
};

// What the regex rules of one profile have in common.
struct ProfilePatterns {
  int count = 0;
  int instructions = 0;  // of the programs compiled so far
};

// What a profile's rules have in common while they are compiled.
struct ProfileCompilation {
  const ProfileLimits& limits;
  const CurrencyRates& rates;
  ProfilePatterns patterns;
  std::vector<FieldViolation> violations;
};

// What a kind needs to compile a rule, and where it says what is wrong with it.
class RuleCompiler {
 public:
  RuleCompiler(const Rule& rule, std::string path, ProfileCompilation& profile)
      : rule(rule),
        limits(profile.limits),
        rates(profile.rates),
        patterns(profile.patterns),
        path_(std::move(path)),
        violations_(profile.violations) {}

  // `field` below the rule: "regex.pattern".
  void Violation(absl::string_view field, absl::string_view description);

  const Rule& rule;
  const ProfileLimits& limits;
  const CurrencyRates& rates;
  ProfilePatterns& patterns;

 private:
  const std::string path_;
  std::vector<FieldViolation>& violations_;
};

// nullptr after violations; the rates must outlive the condition.
using RuleConditionPtr = std::unique_ptr<const RuleCondition>;
RuleConditionPtr CompileTerms(const TermsCondition& condition, RuleCompiler& compiler);
RuleConditionPtr CompileRegex(const RegexCondition& condition, RuleCompiler& compiler);
RuleConditionPtr CompileSalary(const SalaryCondition& condition, RuleCompiler& compiler);
RuleConditionPtr CompileWorkPlace(const WorkPlaceCondition& condition, RuleCompiler& compiler);
RuleConditionPtr CompileLocation(const LocationCondition& condition, RuleCompiler& compiler);
RuleConditionPtr CompileSeniority(const SeniorityCondition& condition, RuleCompiler& compiler);
RuleConditionPtr CompileRecency(const RecencyCondition& condition, RuleCompiler& compiler);
RuleConditionPtr CompileCompany(const CompanyCondition& condition, RuleCompiler& compiler);

// Any kind; violates "" (the rule itself) when it has no condition.
RuleConditionPtr CompileCondition(RuleCompiler& compiler);

// How dear a rule is to evaluate, for the order in which phase one asks: 0 reads a column, 3 a pattern.
int CostOf(const Rule& rule);

inline Ternary TernaryOf(bool holds) {
  return holds ? Ternary::kSatisfied : Ternary::kViolated;
}

// The texts a terms or regex rule reads: its fields, or the whole text.
template <typename Visit>
void ForEachText(PostingView& posting, const std::vector<Field>& fields, Visit visit) {
  if (fields.empty()) visit("text", posting.text());
  for (const Field field : fields) visit(FieldName(field), posting.field(field));
}

}  // namespace sluice
