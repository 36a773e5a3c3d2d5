// Profile: what postings are screened against. A value, as the client wrote it; CompiledProfile is its usable
// form.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/screening/posting.h"

namespace sluice {

enum class RuleEffect { kMust, kMustNot, kShould };

// What an UNKNOWN condition (the posting does not say) means for the rule.
enum class OnUnknown {
  kPass,      // nothing: the default
  kFail,      // as if violated
  kPenalise,  // SHOULD only: minus half the weight
};

enum class Field { kTitle, kCompany, kLocation, kDescription };

enum class WorkPlace { kRemote, kHybrid, kOnsite };
enum class Seniority { kIntern, kJunior, kMid, kSenior, kLead };

// Phrases of whole tokens: a token is a run of letters and digits with inner + # . / - so that C++, .NET and
// Node.js are tokens and "java" does not match "JavaScript". "kube*" matches a prefix.
struct TermsCondition {
  std::vector<std::string> any_of;
  std::vector<std::string> all_of;
  std::vector<std::string> none_of;
  bool stem = false;            // compare English stems
  bool ignore_negated = false;  // "no Java required" does not count as Java
};

struct RegexCondition {
  std::string pattern;  // RE2
  bool case_sensitive = false;
};

// Compares the posting's yearly pay, converted with the profile's rates; a currency without a rate is
// UNKNOWN.
struct SalaryCondition {
  std::optional<double> at_least;
  std::optional<double> at_most;
  std::string currency = "USD";
  SalaryPeriod period = SalaryPeriod::kYear;
  bool compare_bottom = false;  // the bottom of the posting's range in place of its top
};

struct WorkPlaceCondition {
  std::vector<WorkPlace> any_of;
};

// Countries (ISO 3166 alpha-2) or free text matched as phrases in the location. Not applied to fully remote
// postings unless `also_remote`.
struct LocationCondition {
  std::vector<std::string> countries;
  std::vector<std::string> places;
  bool also_remote = false;
};

struct SeniorityCondition {
  std::vector<Seniority> any_of;
};

struct RecencyCondition {
  int max_age_days = 30;  // from date_posted to the batch's as_of
};

// Legal forms (Inc, GmbH, …), case and punctuation do not count.
struct CompanyCondition {
  std::vector<std::string> any_of;
};

struct Rule {
  std::string id;  // unique in the profile
  RuleEffect effect = RuleEffect::kMust;
  double weight = 1.0;  // SHOULD only: log-odds added when satisfied, in (0, 10]
  OnUnknown on_unknown = OnUnknown::kPass;
  std::vector<Field> fields;  // terms and regex only; empty: all
  std::variant<std::monostate, TermsCondition, RegexCondition, SalaryCondition, WorkPlaceCondition,
               LocationCondition, SeniorityCondition, RecencyCondition, CompanyCondition>
      condition;
};

struct CurrencyRate {
  std::string currency;  // ISO 4217
  double usd = 1.0;      // of one unit
};

struct Profile {
  std::string id;
  std::string text;  // experience, skills, wishes: what BM25 and the model compare with
  std::vector<Rule> rules;
  std::vector<CurrencyRate> currency_rates;  // in place of the shipped table's rates, currency by currency
  double accept_at = 0.25;                   // a verdict is ACCEPT from this probability on,
  double review_at = 0.1;                    // REVIEW from this one; 0 <= review_at <= accept_at <= 1
};

}  // namespace sluice
