#include "server/convert/screening_convert.h"

#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "server/convert/time_convert.h"

namespace sluice {
namespace {

class Violations {
 public:
  void Add(absl::string_view field, absl::string_view description) {
    list_.push_back({std::string(field), std::string(description)});
  }
  absl::Status ToStatus() const { return FieldErrors(list_); }

 private:
  std::vector<FieldViolation> list_;
};

// A value of core beside its counterpart on the wire. In tables of them the first of several is the one
// given.
template <typename Core, typename Proto>
struct EnumPair {
  Core core;
  Proto proto;
};

constexpr EnumPair<SalaryPeriod, v1::SalaryPeriod> kPeriods[] = {
    {SalaryPeriod::kHour, v1::HOUR},   {SalaryPeriod::kDay, v1::DAY},   {SalaryPeriod::kWeek, v1::WEEK},
    {SalaryPeriod::kMonth, v1::MONTH}, {SalaryPeriod::kYear, v1::YEAR},
};
constexpr EnumPair<RuleEffect, v1::Rule::Effect> kEffects[] = {
    {RuleEffect::kMust, v1::Rule::MUST},
    {RuleEffect::kMustNot, v1::Rule::MUST_NOT},
    {RuleEffect::kShould, v1::Rule::SHOULD},
};
constexpr EnumPair<OnUnknown, v1::Rule::OnUnknown> kOnUnknowns[] = {
    {OnUnknown::kPass, v1::Rule::PASS},
    {OnUnknown::kFail, v1::Rule::FAIL},
    {OnUnknown::kPenalise, v1::Rule::PENALISE},
    {OnUnknown::kPass, v1::Rule::ON_UNKNOWN_UNSPECIFIED},
};
constexpr EnumPair<Field, v1::Rule::Field> kFields[] = {
    {Field::kTitle, v1::Rule::TITLE},
    {Field::kCompany, v1::Rule::COMPANY},
    {Field::kLocation, v1::Rule::LOCATION},
    {Field::kDescription, v1::Rule::DESCRIPTION},
};
constexpr EnumPair<WorkPlace, v1::WorkPlaceCondition::WorkPlace> kWorkPlaces[] = {
    {WorkPlace::kRemote, v1::WorkPlaceCondition::REMOTE},
    {WorkPlace::kHybrid, v1::WorkPlaceCondition::HYBRID},
    {WorkPlace::kOnsite, v1::WorkPlaceCondition::ONSITE},
};
constexpr EnumPair<Seniority, v1::SeniorityCondition::Seniority> kSeniorities[] = {
    {Seniority::kIntern, v1::SeniorityCondition::INTERN},
    {Seniority::kJunior, v1::SeniorityCondition::JUNIOR},
    {Seniority::kMid, v1::SeniorityCondition::MID},
    {Seniority::kSenior, v1::SeniorityCondition::SENIOR},
    {Seniority::kLead, v1::SeniorityCondition::LEAD},
};
constexpr EnumPair<GatePolicy, v1::Gate::Policy> kPolicies[] = {
    {GatePolicy::kVolume, v1::Gate::VOLUME},
    {GatePolicy::kFixed, v1::Gate::FIXED},
    {GatePolicy::kAll, v1::Gate::ALL},
    {GatePolicy::kRulesOnly, v1::Gate::RULES_ONLY},
    {GatePolicy::kVolume, v1::Gate::POLICY_UNSPECIFIED},
};
constexpr EnumPair<Preference, v1::Gate::Preference> kPreferences[] = {
    {Preference::kQuality, v1::Gate::QUALITY},
    {Preference::kBalanced, v1::Gate::BALANCED},
    {Preference::kSpeed, v1::Gate::SPEED},
    {Preference::kBalanced, v1::Gate::PREFERENCE_UNSPECIFIED},
};
constexpr EnumPair<Ternary, v1::RuleResult::State> kStates[] = {
    {Ternary::kSatisfied, v1::RuleResult::SATISFIED},
    {Ternary::kViolated, v1::RuleResult::VIOLATED},
    {Ternary::kUnknown, v1::RuleResult::UNKNOWN},
};
constexpr EnumPair<Decision, v1::Verdict::Decision> kDecisions[] = {
    {Decision::kAccept, v1::Verdict::ACCEPT},
    {Decision::kReview, v1::Verdict::REVIEW},
    {Decision::kReject, v1::Verdict::REJECT},
};
constexpr EnumPair<DecidedBy, v1::Verdict::DecidedBy> kDecidedBys[] = {
    {DecidedBy::kVeto, v1::Verdict::VETO},
    {DecidedBy::kPhaseOne, v1::Verdict::PHASE_ONE},
    {DecidedBy::kPhaseTwo, v1::Verdict::PHASE_TWO},
};

// UNSPECIFIED for what is not on the wire.
template <typename Core, typename Proto, size_t kSize>
constexpr Proto ToProto(const EnumPair<Core, Proto> (&pairs)[kSize], Core core) {
  for (const EnumPair<Core, Proto>& pair : pairs)
    if (pair.core == core) return pair.proto;
  return Proto();
}

// A number without a counterpart is a violation.
template <typename Core, typename Proto, size_t kSize>
Core ToCore(const EnumPair<Core, Proto> (&pairs)[kSize], int number, const std::string& field,
            Violations& violations) {
  for (const EnumPair<Core, Proto>& pair : pairs)
    if (pair.proto == number) return pair.core;
  violations.Add(field, absl::StrCat("has the unknown value ", number));
  return pairs[0].core;
}

template <typename Core, typename Proto, size_t kSize>
std::vector<Core> ToCores(const EnumPair<Core, Proto> (&pairs)[kSize],
                          const google::protobuf::RepeatedField<int>& numbers, const std::string& field,
                          Violations& violations) {
  std::vector<Core> cores;
  for (int i = 0; i < numbers.size(); ++i)
    cores.push_back(ToCore(pairs, numbers[i], absl::StrCat(field, "[", i, "]"), violations));
  return cores;
}

std::vector<std::string> Strings(const google::protobuf::RepeatedPtrField<std::string>& strings) {
  return {strings.begin(), strings.end()};
}

template <typename T, typename Proto>
std::optional<T> Optional(bool present, Proto value) {
  return present ? std::optional<T>(value) : std::nullopt;
}

SalaryPeriod PeriodFromProto(v1::SalaryPeriod period, SalaryPeriod unset, const std::string& field,
                             Violations& violations) {
  return period == v1::SALARY_PERIOD_UNSPECIFIED ? unset : ToCore(kPeriods, period, field, violations);
}

RuleEffect EffectFromProto(v1::Rule::Effect effect, const std::string& field, Violations& violations) {
  if (effect != v1::Rule::EFFECT_UNSPECIFIED) return ToCore(kEffects, effect, field, violations);
  violations.Add(field, "is unset; give MUST, MUST_NOT or SHOULD");
  return RuleEffect::kMust;
}

TermsCondition TermsFromProto(const v1::TermsCondition& proto) {
  return {.any_of = Strings(proto.any_of()),
          .all_of = Strings(proto.all_of()),
          .none_of = Strings(proto.none_of()),
          .stem = proto.stem(),
          .ignore_negated = proto.ignore_negated()};
}

SalaryCondition SalaryFromProto(const v1::SalaryCondition& proto, const std::string& path,
                                Violations& violations) {
  SalaryCondition salary;
  salary.at_least = Optional<double>(proto.has_at_least(), proto.at_least());
  salary.at_most = Optional<double>(proto.has_at_most(), proto.at_most());
  if (!proto.currency().empty()) salary.currency = proto.currency();
  salary.period = PeriodFromProto(proto.period(), SalaryPeriod::kYear, path + ".salary.period", violations);
  salary.compare_bottom = proto.compare_bottom();
  return salary;
}

Rule RuleFromProto(const v1::Rule& proto, const std::string& path, Violations& violations) {
  Rule rule;
  rule.id = proto.id();
  rule.effect = EffectFromProto(proto.effect(), path + ".effect", violations);
  if (proto.has_weight()) rule.weight = proto.weight();
  rule.on_unknown = ToCore(kOnUnknowns, proto.on_unknown(), path + ".on_unknown", violations);
  rule.fields = ToCores(kFields, proto.fields(), path + ".fields", violations);
  switch (proto.condition_case()) {
    case v1::Rule::kTerms:
      rule.condition = TermsFromProto(proto.terms());
      break;
    case v1::Rule::kRegex:
      rule.condition = RegexCondition{proto.regex().pattern(), proto.regex().case_sensitive()};
      break;
    case v1::Rule::kSalary:
      rule.condition = SalaryFromProto(proto.salary(), path, violations);
      break;
    case v1::Rule::kWorkPlace:
      rule.condition = WorkPlaceCondition{
          ToCores(kWorkPlaces, proto.work_place().any_of(), path + ".work_place.any_of", violations)};
      break;
    case v1::Rule::kLocation:
      rule.condition = LocationCondition{Strings(proto.location().countries()),
                                         Strings(proto.location().places()), proto.location().also_remote()};
      break;
    case v1::Rule::kSeniority:
      rule.condition = SeniorityCondition{
          ToCores(kSeniorities, proto.seniority().any_of(), path + ".seniority.any_of", violations)};
      break;
    case v1::Rule::kRecency:
      rule.condition = RecencyCondition{proto.recency().max_age_days()};
      break;
    case v1::Rule::kCompany:
      rule.condition = CompanyCondition{Strings(proto.company().any_of())};
      break;
    case v1::Rule::CONDITION_NOT_SET:
      break;  // Screener::Compile says so
  }
  return rule;
}

void CheckAmount(bool present, double amount, const char* field, Violations& violations) {
  if (present && (!std::isfinite(amount) || amount < 0)) violations.Add(field, "must be a number, 0 or more");
}

// ParseCivilTime also takes "2026-1-5", "-001-01-01" and spaces; the contract is the one form that sorts.
bool HasDateForm(absl::string_view date) {
  constexpr absl::string_view kForm = "dddd-dd-dd";
  if (date.size() != kForm.size()) return false;
  for (size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] == 'd' ? !absl::ascii_isdigit(static_cast<unsigned char>(date[i])) : date[i] != kForm[i])
      return false;
  }
  return true;
}

std::optional<absl::CivilDay> DateFromProto(const std::string& date, Violations& violations) {
  if (date.empty()) return std::nullopt;
  absl::CivilDay day;
  if (!HasDateForm(date) || !absl::ParseCivilTime(date, &day) || day.year() < 1) {
    violations.Add("date_posted", "is not a date of the form YYYY-MM-DD");
    return std::nullopt;
  }
  return day;
}

// The fields of a posting that may be wrong.
struct Understood {
  std::optional<absl::CivilDay> date_posted;
  SalaryPeriod interval = SalaryPeriod::kUnknown;
};

absl::StatusOr<Understood> UnderstoodOf(const v1::Posting& proto) {
  Violations violations;
  Understood understood;
  understood.date_posted = DateFromProto(proto.date_posted(), violations);
  CheckAmount(proto.has_min_amount(), proto.min_amount(), "min_amount", violations);
  CheckAmount(proto.has_max_amount(), proto.max_amount(), "max_amount", violations);
  understood.interval = PeriodFromProto(proto.interval(), SalaryPeriod::kUnknown, "interval", violations);
  SLUICE_RETURN_IF_ERROR(violations.ToStatus());
  return understood;
}

void RuleResultToProto(const RuleResult& result, v1::RuleResult* proto) {
  proto->set_rule_id(result.rule_id);
  proto->set_effect(ToProto(kEffects, result.effect));
  proto->set_state(ToProto(kStates, result.state));
  proto->set_vetoes(result.vetoes);
  proto->set_contribution(result.contribution);
  for (const Evidence& evidence : result.evidence) {
    v1::Evidence* added = proto->add_evidence();
    added->set_field(evidence.field);
    added->set_begin_byte(evidence.begin_byte);
    added->set_end_byte(evidence.end_byte);
    added->set_quote(evidence.quote);
    added->set_normalised(evidence.normalised);
  }
}

}  // namespace

absl::StatusOr<Profile> ProfileFromProto(const v1::Profile& proto) {
  Violations violations;
  Profile profile;
  profile.id = proto.id();
  profile.text = proto.text();
  for (int i = 0; i < proto.rules_size(); ++i) {
    profile.rules.push_back(RuleFromProto(proto.rules(i), absl::StrCat("rules[", i, "]"), violations));
  }
  for (const v1::CurrencyRate& rate : proto.currency_rates()) {
    profile.currency_rates.push_back({rate.currency(), rate.usd()});
  }
  if (proto.cuts().has_accept_at()) profile.accept_at = proto.cuts().accept_at();
  if (proto.cuts().has_review_at()) profile.review_at = proto.cuts().review_at();
  if (absl::Status status = violations.ToStatus(); !status.ok()) return status;
  return profile;
}

absl::StatusOr<GateOptions> GateFromProto(const v1::Gate& proto) {
  Violations violations;
  GateOptions gate;
  gate.policy = ToCore(kPolicies, proto.policy(), "gate.policy", violations);
  gate.preference = ToCore(kPreferences, proto.preference(), "gate.preference", violations);
  if (proto.has_threshold()) {
    gate.threshold = proto.threshold();
    if (gate.policy != GatePolicy::kFixed) violations.Add("gate.threshold", "is only for the policy FIXED");
  } else if (gate.policy == GatePolicy::kFixed) {
    violations.Add("gate.threshold", "is unset; the policy FIXED needs one, from 0 to 1");
  }
  if (absl::Status status = violations.ToStatus(); !status.ok()) return status;
  return gate;
}

absl::Status CheckPosting(const v1::Posting& proto) {
  return UnderstoodOf(proto).status();
}

absl::StatusOr<Posting> PostingFromProto(std::string id, v1::Posting proto) {
  SLUICE_ASSIGN_OR_RETURN(const Understood understood, UnderstoodOf(proto));
  Posting posting;
  posting.id = std::move(id);
  posting.title = std::move(*proto.mutable_title());
  posting.company = std::move(*proto.mutable_company());
  posting.location = std::move(*proto.mutable_location());
  posting.date_posted = understood.date_posted;
  posting.job_type = std::move(*proto.mutable_job_type());
  posting.min_amount = Optional<double>(proto.has_min_amount(), proto.min_amount());
  posting.max_amount = Optional<double>(proto.has_max_amount(), proto.max_amount());
  posting.currency = std::move(*proto.mutable_currency());
  posting.interval = understood.interval;
  posting.is_remote = Optional<bool>(proto.has_is_remote(), proto.is_remote());
  posting.job_url = std::move(*proto.mutable_job_url());
  posting.description = std::move(*proto.mutable_description());
  return posting;
}

void GatePlanToProto(const GatePlan& plan, v1::GatePlan* proto) {
  proto->set_policy(ToProto(kPolicies, plan.policy));
  proto->set_preference(ToProto(kPreferences, plan.preference));
  proto->set_threshold(plan.threshold);
  proto->set_postings(plan.postings);
  proto->set_vetoed(plan.vetoed);
  proto->set_gated(plan.gated);
  proto->set_survivors(plan.survivors);
  proto->set_limited_by(plan.limited_by);
  proto->set_calibration_id(plan.calibration_id);
  proto->set_model_digest(plan.model_digest);
  proto->set_bm25_mean(plan.bm25_mean);
  proto->set_bm25_stddev(plan.bm25_stddev);
  proto->set_prior_log_odds(plan.prior_log_odds);
  proto->set_phase2_prior_log_odds(plan.phase2_prior_log_odds);
  TimeToProto(plan.as_of, proto->mutable_as_of());
}

absl::StatusOr<GatePlan> GatePlanFromProto(const v1::GatePlan& proto) {
  Violations violations;
  GatePlan plan;
  plan.policy = ToCore(kPolicies, proto.policy(), "policy", violations);
  plan.preference = ToCore(kPreferences, proto.preference(), "preference", violations);
  plan.threshold = proto.threshold();
  plan.postings = proto.postings();
  plan.vetoed = proto.vetoed();
  plan.gated = proto.gated();
  plan.survivors = proto.survivors();
  plan.limited_by = proto.limited_by();
  plan.calibration_id = proto.calibration_id();
  plan.model_digest = proto.model_digest();
  plan.bm25_mean = proto.bm25_mean();
  plan.bm25_stddev = proto.bm25_stddev();
  plan.prior_log_odds = proto.prior_log_odds();
  plan.phase2_prior_log_odds = proto.phase2_prior_log_odds();
  plan.as_of = TimeFromProto(proto.as_of()).value_or(absl::UnixEpoch());
  SLUICE_RETURN_IF_ERROR(violations.ToStatus());
  return plan;
}

void VerdictToProto(const Verdict& verdict, v1::Verdict* proto) {
  proto->set_decision(ToProto(kDecisions, verdict.decision));
  proto->set_decided_by(ToProto(kDecidedBys, verdict.decided_by));
  proto->set_score(verdict.score);
  proto->set_phase1(verdict.phase1);
  if (verdict.phase2.has_value()) proto->set_phase2(*verdict.phase2);
  if (verdict.cosine.has_value()) proto->set_cosine(*verdict.cosine);
  proto->set_bm25(verdict.bm25);
  proto->set_windows(verdict.windows);
  for (const RuleResult& rule : verdict.rules) RuleResultToProto(rule, proto->add_rules());
  for (const TermContribution& term : verdict.terms) {
    v1::TermContribution* added = proto->add_terms();
    added->set_term(term.term);
    added->set_share(term.share);
  }
  for (const std::string& reason : verdict.reasons) proto->add_reasons(reason);
}

}  // namespace sluice
