#include "core/screening/profile_check.h"

#include <cmath>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

constexpr double kMostWeight = 10;

class Checker {
 public:
  Checker(const Profile& profile, const ProfileLimits& limits) : profile_(profile), limits_(limits) {}

  std::vector<FieldViolation> Check() {
    CheckText();
    if (profile_.rules.size() > static_cast<size_t>(limits_.max_rules)) {
      Add("rules", absl::StrCat("has ", profile_.rules.size(), " rules; the limit is ", limits_.max_rules));
    }
    for (size_t i = 0; i < profile_.rules.size(); ++i) CheckRule(i);
    for (size_t i = 0; i < profile_.currency_rates.size(); ++i) CheckRate(i);
    CheckCuts();
    return std::move(violations_);
  }

 private:
  void Add(std::string field, std::string description) {
    violations_.push_back({std::move(field), std::move(description)});
  }

  void CheckText() {
    if (absl::StripAsciiWhitespace(profile_.text).empty())
      Add("text", "is empty; describe experience, skills and wishes");
    if (profile_.text.size() > static_cast<size_t>(limits_.max_text_bytes)) {
      Add("text",
          absl::StrCat("has ", profile_.text.size(), " bytes; the limit is ", limits_.max_text_bytes));
    }
  }

  void CheckRule(size_t index) {
    const Rule& rule = profile_.rules[index];
    const std::string path = absl::StrCat("rules[", index, "]");
    if (rule.id.empty()) {
      Add(path + ".id", "is empty");
    } else if (const auto [first, inserted] = rule_by_id_.try_emplace(rule.id, index); !inserted) {
      Add(path + ".id", absl::StrCat("\"", rule.id, "\" is taken by rules[", first->second, "]"));
    }
    const bool should = rule.effect == RuleEffect::kShould;
    if (should && !(rule.weight > 0 && rule.weight <= kMostWeight)) {
      Add(path + ".weight", absl::StrCat("is ", rule.weight, "; it is above 0 and at most ", kMostWeight));
    }
    if (!should && rule.on_unknown == OnUnknown::kPenalise)
      Add(path + ".on_unknown", "PENALISE is for SHOULD rules only");
    const bool reads_fields = std::holds_alternative<TermsCondition>(rule.condition) ||
                              std::holds_alternative<RegexCondition>(rule.condition);
    if (!rule.fields.empty() && !reads_fields) Add(path + ".fields", "is for terms and regex rules only");
  }

  void CheckRate(size_t index) {
    const CurrencyRate& rate = profile_.currency_rates[index];
    const std::string path = absl::StrCat("currency_rates[", index, "]");
    if (rate.currency.size() != 3) Add(path + ".currency", "is no ISO 4217 code, such as EUR");
    if (!(std::isfinite(rate.usd) && rate.usd > 0)) Add(path + ".usd", "must be above 0");
  }

  void CheckCuts() {
    if (!(profile_.accept_at >= 0 && profile_.accept_at <= 1))
      Add("cuts.accept_at", "is a probability from 0 to 1");
    if (!(profile_.review_at >= 0 && profile_.review_at <= 1)) {
      Add("cuts.review_at", "is a probability from 0 to 1");
    } else if (profile_.review_at > profile_.accept_at) {
      Add("cuts.review_at",
          absl::StrCat("is ", profile_.review_at, "; it must not be above accept_at, ", profile_.accept_at));
    }
  }

  const Profile& profile_;
  const ProfileLimits& limits_;
  absl::flat_hash_map<std::string, size_t> rule_by_id_;
  std::vector<FieldViolation> violations_;
};

}  // namespace

std::vector<FieldViolation> CheckProfile(const Profile& profile, const ProfileLimits& limits) {
  return Checker(profile, limits).Check();
}

}  // namespace sluice
