#include <re2/re2.h>

#include "absl/strings/str_cat.h"
#include "core/screening/rules/rule_condition.h"

namespace sluice {
namespace {

re2::RE2::Options OptionsOf(const RegexCondition& condition, const ProfileLimits& limits) {
  re2::RE2::Options options;
  options.set_case_sensitive(condition.case_sensitive);
  options.set_max_mem(limits.max_pattern_memory_bytes);
  options.set_log_errors(false);
  return options;
}

// RE2 matches in time linear in the text, whatever the pattern.
class RegexRule : public RuleCondition {
 public:
  RegexRule(std::unique_ptr<re2::RE2> pattern, std::vector<Field> fields)
      : pattern_(std::move(pattern)), fields_(std::move(fields)) {}

  std::optional<Ternary> Evaluate(PostingView& posting, absl::Time, RuleReasons* reasons) const override {
    bool read_any = false, matched = false;
    ForEachText(posting, fields_, [&](const char* name, const ScannedText& text) {
      read_any = read_any || !text.original.empty();
      if (matched) return;
      const re2::StringPiece whole(text.original.data(), text.original.size());
      re2::StringPiece match;
      matched =
          pattern_->Match(whole, 0, whole.size(), re2::RE2::UNANCHORED, &match, reasons == nullptr ? 0 : 1);
      if (!matched || reasons == nullptr) return;
      const int begin = static_cast<int>(match.data() - whole.data());
      reasons->evidence.push_back(posting.Quote({name, begin, begin + static_cast<int>(match.size())}));
    });
    if (!read_any) return Ternary::kUnknown;
    if (reasons != nullptr)
      reasons->sentence = matched ? "posting matches the pattern" : "posting does not match the pattern";
    return TernaryOf(matched);
  }

 private:
  const std::unique_ptr<re2::RE2> pattern_;
  const std::vector<Field> fields_;
};

}  // namespace

RuleConditionPtr CompileRegex(const RegexCondition& condition, RuleCompiler& compiler) {
  if (condition.pattern.empty()) {
    compiler.Violation("regex.pattern", "is empty");
    return nullptr;
  }
  if (condition.pattern.size() > static_cast<size_t>(compiler.limits.max_pattern_bytes)) {
    compiler.Violation("regex.pattern",
                       absl::StrCat("has ", condition.pattern.size(), " bytes; the limit is ",
                                    compiler.limits.max_pattern_bytes));
    return nullptr;
  }
  auto pattern = std::make_unique<re2::RE2>(condition.pattern, OptionsOf(condition, compiler.limits));
  if (!pattern->ok()) {
    compiler.Violation("regex.pattern", absl::StrCat("is no RE2 pattern: ", pattern->error()));
    return nullptr;
  }
  return std::make_unique<RegexRule>(std::move(pattern), compiler.rule.fields);
}

}  // namespace sluice
