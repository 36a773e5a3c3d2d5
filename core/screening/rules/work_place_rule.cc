#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/screening/rules/rule_condition.h"

namespace sluice {
namespace {

constexpr WorkPlace kPlaces[] = {WorkPlace::kRemote, WorkPlace::kHybrid, WorkPlace::kOnsite};
constexpr const char* kNames[] = {"remote", "hybrid", "on site"};

class WorkPlaceRule : public RuleCondition {
 public:
  explicit WorkPlaceRule(const WorkPlaceCondition& condition) {
    for (const WorkPlace place : condition.any_of) wanted_[static_cast<int>(place)] = true;
  }

  std::optional<Ternary> Evaluate(PostingView& posting, absl::Time, RuleReasons* reasons) const override {
    const std::optional<WorkPlaceReading>& reading = posting.work_place();
    if (!reading.has_value()) {
      if (reasons != nullptr) reasons->sentence = "posting does not say where the work is done";
      return Ternary::kUnknown;
    }
    bool all_wanted = true, some_wanted = false;
    std::vector<std::string> names;
    for (const WorkPlace place : kPlaces) {
      if (!reading->MayBe(place)) continue;
      all_wanted = all_wanted && wanted_[static_cast<int>(place)];
      some_wanted = some_wanted || wanted_[static_cast<int>(place)];
      if (reasons != nullptr) names.push_back(kNames[static_cast<int>(place)]);
    }
    if (reasons != nullptr) {
      const std::string place = absl::StrJoin(names, " or ");
      reasons->evidence.push_back(posting.Quote(reading->span, place));
      reasons->sentence = absl::StrCat("posting is ", place);
    }
    return all_wanted ? Ternary::kSatisfied : some_wanted ? Ternary::kUnknown : Ternary::kViolated;
  }

 private:
  bool wanted_[3] = {};
};

}  // namespace

RuleConditionPtr CompileWorkPlace(const WorkPlaceCondition& condition, RuleCompiler& compiler) {
  if (condition.any_of.empty())
    compiler.Violation("work_place.any_of", "is empty; name at least one of REMOTE, HYBRID, ONSITE");
  return std::make_unique<WorkPlaceRule>(condition);
}

}  // namespace sluice
