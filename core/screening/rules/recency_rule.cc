#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "core/screening/rules/rule_condition.h"

namespace sluice {
namespace {

constexpr int kMaxAgeDays = 3650;

class RecencyRule : public RuleCondition {
 public:
  explicit RecencyRule(int max_age_days) : max_age_days_(max_age_days) {}

  std::optional<Ternary> Evaluate(PostingView& posting, absl::Time as_of,
                                  RuleReasons* reasons) const override {
    const std::optional<absl::CivilDay>& posted = posting.posting().date_posted;
    if (!posted.has_value()) {
      if (reasons != nullptr) reasons->sentence = "posting has no date";
      return Ternary::kUnknown;
    }
    const absl::civil_diff_t age = absl::ToCivilDay(as_of, absl::UTCTimeZone()) - *posted;
    if (reasons != nullptr) {
      reasons->evidence.push_back(posting.Quote({"date_posted"}, absl::FormatCivilTime(*posted)));
      reasons->sentence =
          absl::StrCat("posting is ", age, " days old, profile wants at most ", max_age_days_);
    }
    return TernaryOf(age <= max_age_days_);
  }

 private:
  const int max_age_days_;
};

}  // namespace

RuleConditionPtr CompileRecency(const RecencyCondition& condition, RuleCompiler& compiler) {
  if (condition.max_age_days < 0 || condition.max_age_days > kMaxAgeDays) {
    compiler.Violation("recency.max_age_days",
                       absl::StrCat("is ", condition.max_age_days, "; the range is 0 to ", kMaxAgeDays));
  }
  return std::make_unique<RecencyRule>(condition.max_age_days);
}

}  // namespace sluice
