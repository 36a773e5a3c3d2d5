#include <variant>

#include "absl/strings/str_cat.h"
#include "core/screening/rules/rule_condition.h"

namespace sluice {
namespace {

using Condition = decltype(Rule::condition);

struct RuleKind {
  int cost;
  RuleConditionPtr (*compile)(const Condition& condition, RuleCompiler& compiler);
};

template <typename T, RuleConditionPtr (*Compile)(const T&, RuleCompiler&)>
RuleConditionPtr CompileAs(const Condition& condition, RuleCompiler& compiler) {
  return Compile(std::get<T>(condition), compiler);
}

RuleConditionPtr CompileNone(const Condition&, RuleCompiler& compiler) {
  compiler.Violation("",
                     "has no condition; give one of terms, regex, salary, work_place, location, seniority, "
                     "recency, company");
  return nullptr;
}

// In the order of Rule::condition's alternatives.
constexpr RuleKind kKinds[] = {
    {0, &CompileNone},
    {2, &CompileAs<TermsCondition, CompileTerms>},
    {3, &CompileAs<RegexCondition, CompileRegex>},
    {2, &CompileAs<SalaryCondition, CompileSalary>},
    {2, &CompileAs<WorkPlaceCondition, CompileWorkPlace>},
    {2, &CompileAs<LocationCondition, CompileLocation>},
    {1, &CompileAs<SeniorityCondition, CompileSeniority>},
    {0, &CompileAs<RecencyCondition, CompileRecency>},
    {0, &CompileAs<CompanyCondition, CompileCompany>},
};
static_assert(std::size(kKinds) == std::variant_size_v<Condition>);

}  // namespace

void RuleCompiler::Violation(absl::string_view field, absl::string_view description) {
  violations_.push_back({field.empty() ? path_ : absl::StrCat(path_, ".", field), std::string(description)});
}

RuleConditionPtr CompileCondition(RuleCompiler& compiler) {
  return kKinds[compiler.rule.condition.index()].compile(compiler.rule.condition, compiler);
}

int CostOf(const Rule& rule) {
  return kKinds[rule.condition.index()].cost;
}

}  // namespace sluice
