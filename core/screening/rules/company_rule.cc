#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/screening/attributes/company.h"
#include "core/screening/rules/rule_condition.h"

namespace sluice {
namespace {

class CompanyRule : public RuleCondition {
 public:
  explicit CompanyRule(absl::flat_hash_set<std::string> names) : names_(std::move(names)) {}

  std::optional<Ternary> Evaluate(PostingView& posting, absl::Time, RuleReasons* reasons) const override {
    const std::string& company = posting.posting().company;
    const std::string& normalised = posting.company();
    if (normalised.empty()) {
      if (reasons != nullptr) reasons->sentence = "posting names no company";
      return Ternary::kUnknown;
    }
    if (reasons != nullptr) {
      reasons->evidence.push_back(
          posting.Quote({"company", 0, static_cast<int>(company.size())}, Shown(normalised)));
      reasons->sentence = absl::StrCat("posting is from ", Shown(company));
    }
    return TernaryOf(names_.contains(normalised));
  }

 private:
  const absl::flat_hash_set<std::string> names_;
};

}  // namespace

RuleConditionPtr CompileCompany(const CompanyCondition& condition, RuleCompiler& compiler) {
  absl::flat_hash_set<std::string> names;
  if (condition.any_of.empty()) compiler.Violation("company.any_of", "is empty");
  for (size_t i = 0; i < condition.any_of.size(); ++i) {
    std::string name = NormalisedCompany(condition.any_of[i]);
    if (name.empty()) compiler.Violation(absl::StrCat("company.any_of[", i, "]"), "has no letter or digit");
    names.insert(std::move(name));
  }
  return std::make_unique<CompanyRule>(std::move(names));
}

}  // namespace sluice
