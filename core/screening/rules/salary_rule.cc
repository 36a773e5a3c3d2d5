#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/screening/rules/rule_condition.h"

namespace sluice {
namespace {

class SalaryRule : public RuleCondition {
 public:
  SalaryRule(const SalaryCondition& condition, double usd, const CurrencyRates& rates)
      : condition_(condition), usd_(usd), rates_(rates) {}

  std::optional<Ternary> Evaluate(PostingView& posting, absl::Time, RuleReasons* reasons) const override {
    const std::optional<Pay>& pay = posting.pay();
    if (!pay.has_value()) {
      if (reasons != nullptr) reasons->sentence = "posting does not say what it pays";
      return Ternary::kUnknown;
    }
    const std::optional<YearlyUsd> yearly = ToYearlyUsd(*pay, rates_);
    if (reasons != nullptr) reasons->evidence.push_back(posting.Quote(pay->span, DescribePay(*pay, rates_)));
    if (!yearly.has_value()) {
      if (reasons != nullptr)
        reasons->sentence = absl::StrCat("no rate is known for the posting's currency ", pay->currency);
      return Ternary::kUnknown;
    }
    if (reasons != nullptr) reasons->sentence = Sentence(*yearly);
    return And(AtLeast(*yearly), AtMost(*yearly));
  }

 private:
  double InUsdPerYear(double amount) const { return amount * usd_ * PeriodsPerYear(condition_.period); }

  // The end of the range that the rule compares; the other one stands in as a bound when it is not given.
  Ternary AtLeast(const YearlyUsd& pay) const {
    if (!condition_.at_least.has_value()) return Ternary::kSatisfied;
    const double wanted = InUsdPerYear(*condition_.at_least);
    const std::optional<double>& end = condition_.compare_bottom ? pay.low : pay.high;
    if (end.has_value()) return TernaryOf(NotBelow(*end, wanted));
    if (pay.low.has_value()) return NotBelow(*pay.low, wanted) ? Ternary::kSatisfied : Ternary::kUnknown;
    return NotBelow(*pay.high, wanted) ? Ternary::kUnknown : Ternary::kViolated;
  }

  Ternary AtMost(const YearlyUsd& pay) const {
    if (!condition_.at_most.has_value()) return Ternary::kSatisfied;
    const double wanted = InUsdPerYear(*condition_.at_most);
    const std::optional<double>& end = condition_.compare_bottom ? pay.low : pay.high;
    if (end.has_value()) return TernaryOf(NotBelow(wanted, *end));
    if (pay.high.has_value()) return NotBelow(wanted, *pay.high) ? Ternary::kSatisfied : Ternary::kUnknown;
    return NotBelow(wanted, *pay.low) ? Ternary::kUnknown : Ternary::kViolated;
  }

  // With room for the rounding of a conversion and back: 45 an hour is not below 93,600 a year.
  static bool NotBelow(double amount, double bound) { return amount >= bound - 1e-6 * std::abs(bound); }

  static Ternary And(Ternary left, Ternary right) {
    if (left == Ternary::kViolated || right == Ternary::kViolated) return Ternary::kViolated;
    return left == Ternary::kUnknown || right == Ternary::kUnknown ? Ternary::kUnknown : Ternary::kSatisfied;
  }

  std::string Sentence(const YearlyUsd& pay) const {
    const bool bottom = condition_.compare_bottom ? pay.low.has_value() : !pay.high.has_value();
    const double in_rule_unit = (bottom ? *pay.low : *pay.high) / usd_ / PeriodsPerYear(condition_.period);
    const std::string unit = absl::StrCat(" ", condition_.currency, "/", SalaryPeriodName(condition_.period));
    std::string sentence = absl::StrCat("posting pays at ", bottom ? "least " : "most ",
                                        WithThousands(std::round(in_rule_unit)), unit, ", profile wants ");
    if (condition_.at_least.has_value())
      absl::StrAppend(&sentence, "≥ ", WithThousands(*condition_.at_least));
    if (condition_.at_least.has_value() && condition_.at_most.has_value())
      absl::StrAppend(&sentence, " and ");
    if (condition_.at_most.has_value()) absl::StrAppend(&sentence, "≤ ", WithThousands(*condition_.at_most));
    return sentence;
  }

  const SalaryCondition condition_;
  const double usd_;  // of one unit of the condition's currency
  const CurrencyRates& rates_;
};

void CheckAmount(const std::optional<double>& amount, const char* field, RuleCompiler& compiler) {
  if (amount.has_value() && !(std::isfinite(*amount) && *amount >= 0))
    compiler.Violation(field, "must be a number of at least 0");
}

}  // namespace

RuleConditionPtr CompileSalary(const SalaryCondition& condition, RuleCompiler& compiler) {
  CheckAmount(condition.at_least, "salary.at_least", compiler);
  CheckAmount(condition.at_most, "salary.at_most", compiler);
  if (!condition.at_least.has_value() && !condition.at_most.has_value()) {
    compiler.Violation("salary", "needs at_least or at_most");
  } else if (condition.at_least.value_or(0) > condition.at_most.value_or(HUGE_VAL)) {
    compiler.Violation("salary.at_most", "must not be below at_least");
  }
  SalaryCondition normalised = condition;
  normalised.currency = absl::AsciiStrToUpper(condition.currency.empty() ? "USD" : condition.currency);
  if (normalised.period == SalaryPeriod::kUnknown) normalised.period = SalaryPeriod::kYear;
  const std::optional<double> usd = compiler.rates.UsdOf(normalised.currency);
  if (!usd.has_value()) {
    compiler.Violation("salary.currency", absl::StrCat("no rate is known for \"", condition.currency,
                                                       "\"; give one in currency_rates"));
    return nullptr;
  }
  return std::make_unique<SalaryRule>(normalised, *usd, compiler.rates);
}

}  // namespace sluice
