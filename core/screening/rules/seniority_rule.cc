#include "absl/strings/str_cat.h"
#include "core/screening/rules/rule_condition.h"

namespace sluice {
namespace {

class SeniorityRule : public RuleCondition {
 public:
  explicit SeniorityRule(const SeniorityCondition& condition) {
    for (const Seniority level : condition.any_of) wanted_[static_cast<int>(level)] = true;
  }

  std::optional<Ternary> Evaluate(PostingView& posting, absl::Time, RuleReasons* reasons) const override {
    const std::optional<SeniorityReading>& reading = posting.seniority();
    if (reasons != nullptr) {
      reasons->sentence = reading.has_value()
                              ? absl::StrCat("posting is for level ", SeniorityName(reading->level))
                              : "posting does not say its level";
      if (reading.has_value())
        reasons->evidence.push_back(posting.Quote(reading->span, SeniorityName(reading->level)));
    }
    if (!reading.has_value()) return Ternary::kUnknown;
    return TernaryOf(wanted_[static_cast<int>(reading->level)]);
  }

 private:
  bool wanted_[5] = {};
};

}  // namespace

RuleConditionPtr CompileSeniority(const SeniorityCondition& condition, RuleCompiler& compiler) {
  if (condition.any_of.empty()) {
    compiler.Violation("seniority.any_of",
                       "is empty; name at least one of INTERN, JUNIOR, MID, SENIOR, LEAD");
  }
  return std::make_unique<SeniorityRule>(condition);
}

}  // namespace sluice
