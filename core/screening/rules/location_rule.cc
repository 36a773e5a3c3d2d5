#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/screening/attributes/countries.h"
#include "core/screening/phrases.h"
#include "core/screening/rules/rule_condition.h"

namespace sluice {
namespace {

class LocationRule : public RuleCondition {
 public:
  LocationRule(absl::flat_hash_set<std::string> countries, const std::vector<Phrase>& places,
               bool also_remote)
      : countries_(std::move(countries)),
        has_places_(!places.empty()),
        also_remote_(also_remote),
        places_(places, /*stem=*/false) {}

  std::optional<Ternary> Evaluate(PostingView& posting, absl::Time, RuleReasons* reasons) const override {
    if (!also_remote_ && posting.work_place().has_value() && posting.work_place()->FullyRemote()) {
      if (reasons != nullptr) {
        reasons->evidence.push_back(posting.Quote(posting.work_place()->span, "remote"));
        reasons->sentence = "posting is fully remote, so that its location does not count";
      }
      return std::nullopt;
    }
    const std::string& location = posting.posting().location;
    if (reasons != nullptr) {
      reasons->sentence =
          location.empty() ? "posting has no location" : absl::StrCat("posting is in ", Shown(location));
      if (!location.empty()) reasons->evidence.push_back(Everything(posting, location));
    }
    if (location.empty()) return Ternary::kUnknown;
    if (has_places_ && NamesAPlace(posting)) return Ternary::kSatisfied;
    if (countries_.empty()) return Ternary::kViolated;
    const std::vector<std::string>& known = posting.countries();
    if (known.empty()) return Ternary::kUnknown;
    return TernaryOf(std::any_of(known.begin(), known.end(),
                                 [&](const std::string& c) { return countries_.contains(c); }));
  }

 private:
  bool NamesAPlace(PostingView& posting) const {
    bool found = false;
    places_.Find(posting.field(Field::kLocation), posting.budget(), [&](const PhraseHit&) {
      found = true;
      return true;
    });
    return found;
  }

  static Evidence Everything(PostingView& posting, const std::string& location) {
    return posting.Quote({"location", 0, static_cast<int>(location.size())},
                         absl::StrJoin(posting.countries(), ", "));
  }

  const absl::flat_hash_set<std::string> countries_;
  const bool has_places_;
  const bool also_remote_;
  const PhraseIndex places_;
};

}  // namespace

RuleConditionPtr CompileLocation(const LocationCondition& condition, RuleCompiler& compiler) {
  if (condition.countries.empty() && condition.places.empty())
    compiler.Violation("location", "needs countries or places");
  absl::flat_hash_set<std::string> countries;
  for (size_t i = 0; i < condition.countries.size(); ++i) {
    std::string code = absl::AsciiStrToUpper(condition.countries[i]);
    if (!IsCountryCode(code)) {
      compiler.Violation(
          absl::StrCat("location.countries[", i, "]"),
          absl::StrCat("\"", condition.countries[i], "\" is no ISO 3166 alpha-2 code, such as DE or US"));
    }
    countries.insert(std::move(code));
  }
  std::vector<Phrase> places;
  for (size_t i = 0; i < condition.places.size(); ++i) {
    places.push_back(ParsePhrase(condition.places[i]));
    if (places.back().parts.empty())
      compiler.Violation(absl::StrCat("location.places[", i, "]"), "has no letter or digit");
  }
  return std::make_unique<LocationRule>(std::move(countries), places, condition.also_remote);
}

}  // namespace sluice
