#include "server/convert/screening_convert.h"

#include <cmath>
#include <utility>
#include <vector>

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

void UnknownNumber(const std::string& field, int number, Violations& violations) {
  violations.Add(field, absl::StrCat("has the unknown value ", number));
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
  switch (period) {
    case v1::SALARY_PERIOD_UNSPECIFIED:
      return unset;
    case v1::HOUR:
      return SalaryPeriod::kHour;
    case v1::DAY:
      return SalaryPeriod::kDay;
    case v1::WEEK:
      return SalaryPeriod::kWeek;
    case v1::MONTH:
      return SalaryPeriod::kMonth;
    case v1::YEAR:
      return SalaryPeriod::kYear;
    default:
      UnknownNumber(field, period, violations);
      return unset;
  }
}

RuleEffect EffectFromProto(v1::Rule::Effect effect, const std::string& field, Violations& violations) {
  switch (effect) {
    case v1::Rule::MUST:
      return RuleEffect::kMust;
    case v1::Rule::MUST_NOT:
      return RuleEffect::kMustNot;
    case v1::Rule::SHOULD:
      return RuleEffect::kShould;
    case v1::Rule::EFFECT_UNSPECIFIED:
      violations.Add(field, "is unset; give MUST, MUST_NOT or SHOULD");
      break;
    default:
      UnknownNumber(field, effect, violations);
  }
  return RuleEffect::kMust;
}

OnUnknown OnUnknownFromProto(v1::Rule::OnUnknown on_unknown, const std::string& field,
                             Violations& violations) {
  switch (on_unknown) {
    case v1::Rule::ON_UNKNOWN_UNSPECIFIED:
    case v1::Rule::PASS:
      return OnUnknown::kPass;
    case v1::Rule::FAIL:
      return OnUnknown::kFail;
    case v1::Rule::PENALISE:
      return OnUnknown::kPenalise;
    default:
      UnknownNumber(field, on_unknown, violations);
      return OnUnknown::kPass;
  }
}

std::vector<Field> FieldsFromProto(const v1::Rule& rule, const std::string& path, Violations& violations) {
  std::vector<Field> fields;
  for (int i = 0; i < rule.fields_size(); ++i) {
    switch (rule.fields(i)) {
      case v1::Rule::TITLE:
        fields.push_back(Field::kTitle);
        break;
      case v1::Rule::COMPANY:
        fields.push_back(Field::kCompany);
        break;
      case v1::Rule::LOCATION:
        fields.push_back(Field::kLocation);
        break;
      case v1::Rule::DESCRIPTION:
        fields.push_back(Field::kDescription);
        break;
      default:
        UnknownNumber(absl::StrCat(path, ".fields[", i, "]"), rule.fields(i), violations);
    }
  }
  return fields;
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

WorkPlaceCondition WorkPlaceFromProto(const v1::WorkPlaceCondition& proto, const std::string& path,
                                      Violations& violations) {
  WorkPlaceCondition condition;
  for (int i = 0; i < proto.any_of_size(); ++i) {
    switch (proto.any_of(i)) {
      case v1::WorkPlaceCondition::REMOTE:
        condition.any_of.push_back(WorkPlace::kRemote);
        break;
      case v1::WorkPlaceCondition::HYBRID:
        condition.any_of.push_back(WorkPlace::kHybrid);
        break;
      case v1::WorkPlaceCondition::ONSITE:
        condition.any_of.push_back(WorkPlace::kOnsite);
        break;
      default:
        UnknownNumber(absl::StrCat(path, ".work_place.any_of[", i, "]"), proto.any_of(i), violations);
    }
  }
  return condition;
}

SeniorityCondition SeniorityFromProto(const v1::SeniorityCondition& proto, const std::string& path,
                                      Violations& violations) {
  SeniorityCondition condition;
  for (int i = 0; i < proto.any_of_size(); ++i) {
    switch (proto.any_of(i)) {
      case v1::SeniorityCondition::INTERN:
        condition.any_of.push_back(Seniority::kIntern);
        break;
      case v1::SeniorityCondition::JUNIOR:
        condition.any_of.push_back(Seniority::kJunior);
        break;
      case v1::SeniorityCondition::MID:
        condition.any_of.push_back(Seniority::kMid);
        break;
      case v1::SeniorityCondition::SENIOR:
        condition.any_of.push_back(Seniority::kSenior);
        break;
      case v1::SeniorityCondition::LEAD:
        condition.any_of.push_back(Seniority::kLead);
        break;
      default:
        UnknownNumber(absl::StrCat(path, ".seniority.any_of[", i, "]"), proto.any_of(i), violations);
    }
  }
  return condition;
}

Rule RuleFromProto(const v1::Rule& proto, const std::string& path, Violations& violations) {
  Rule rule;
  rule.id = proto.id();
  rule.effect = EffectFromProto(proto.effect(), path + ".effect", violations);
  if (proto.has_weight()) rule.weight = proto.weight();
  rule.on_unknown = OnUnknownFromProto(proto.on_unknown(), path + ".on_unknown", violations);
  rule.fields = FieldsFromProto(proto, path, violations);
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
      rule.condition = WorkPlaceFromProto(proto.work_place(), path, violations);
      break;
    case v1::Rule::kLocation:
      rule.condition = LocationCondition{Strings(proto.location().countries()),
                                         Strings(proto.location().places()), proto.location().also_remote()};
      break;
    case v1::Rule::kSeniority:
      rule.condition = SeniorityFromProto(proto.seniority(), path, violations);
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

std::optional<absl::CivilDay> DateFromProto(const std::string& date, Violations& violations) {
  if (date.empty()) return std::nullopt;
  absl::CivilDay day;
  // ParseCivilTime also takes "2026-1-5"; the contract is the one form that sorts.
  if (date.size() != 10 || !absl::ParseCivilTime(date, &day)) {
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

v1::Rule::Effect EffectToProto(RuleEffect effect) {
  switch (effect) {
    case RuleEffect::kMust:
      return v1::Rule::MUST;
    case RuleEffect::kMustNot:
      return v1::Rule::MUST_NOT;
    case RuleEffect::kShould:
      return v1::Rule::SHOULD;
  }
  return v1::Rule::EFFECT_UNSPECIFIED;
}

v1::RuleResult::State StateToProto(Ternary state) {
  switch (state) {
    case Ternary::kSatisfied:
      return v1::RuleResult::SATISFIED;
    case Ternary::kViolated:
      return v1::RuleResult::VIOLATED;
    case Ternary::kUnknown:
      return v1::RuleResult::UNKNOWN;
  }
  return v1::RuleResult::STATE_UNSPECIFIED;
}

v1::Verdict::Decision DecisionToProto(Decision decision) {
  switch (decision) {
    case Decision::kAccept:
      return v1::Verdict::ACCEPT;
    case Decision::kReview:
      return v1::Verdict::REVIEW;
    case Decision::kReject:
      return v1::Verdict::REJECT;
  }
  return v1::Verdict::DECISION_UNSPECIFIED;
}

v1::Verdict::DecidedBy DecidedByToProto(DecidedBy decided_by) {
  switch (decided_by) {
    case DecidedBy::kVeto:
      return v1::Verdict::VETO;
    case DecidedBy::kGate:
      return v1::Verdict::GATE;
    case DecidedBy::kPhaseOne:
      return v1::Verdict::PHASE_ONE;
    case DecidedBy::kPhaseTwo:
      return v1::Verdict::PHASE_TWO;
  }
  return v1::Verdict::DECIDED_BY_UNSPECIFIED;
}

void RuleResultToProto(const RuleResult& result, v1::RuleResult* proto) {
  proto->set_rule_id(result.rule_id);
  proto->set_effect(EffectToProto(result.effect));
  proto->set_state(StateToProto(result.state));
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
  switch (proto.policy()) {
    case v1::Gate::POLICY_UNSPECIFIED:
    case v1::Gate::VOLUME:
      gate.policy = GatePolicy::kVolume;
      break;
    case v1::Gate::FIXED:
      gate.policy = GatePolicy::kFixed;
      break;
    case v1::Gate::ALL:
      gate.policy = GatePolicy::kAll;
      break;
    case v1::Gate::RULES_ONLY:
      gate.policy = GatePolicy::kRulesOnly;
      break;
    default:
      UnknownNumber("gate.policy", proto.policy(), violations);
  }
  switch (proto.preference()) {
    case v1::Gate::PREFERENCE_UNSPECIFIED:
    case v1::Gate::BALANCED:
      gate.preference = Preference::kBalanced;
      break;
    case v1::Gate::QUALITY:
      gate.preference = Preference::kQuality;
      break;
    case v1::Gate::SPEED:
      gate.preference = Preference::kSpeed;
      break;
    default:
      UnknownNumber("gate.preference", proto.preference(), violations);
  }
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
  // The enums of core and proto are numbered alike; gate.h fixes the policies' numbers.
  proto->set_policy(static_cast<v1::Gate::Policy>(plan.policy));
  proto->set_preference(static_cast<v1::Gate::Preference>(static_cast<int>(plan.preference) + 1));
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

GatePlan GatePlanFromProto(const v1::GatePlan& proto) {
  GatePlan plan;
  plan.policy = static_cast<GatePolicy>(proto.policy());
  plan.preference = static_cast<Preference>(proto.preference() - 1);
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
  return plan;
}

void VerdictToProto(const Verdict& verdict, v1::Verdict* proto) {
  proto->set_decision(DecisionToProto(verdict.decision));
  proto->set_decided_by(DecidedByToProto(verdict.decided_by));
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
