#include "core/screening/screener.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/screening/bm25.h"
#include "core/screening/posting_view.h"
#include "core/screening/profile_check.h"
#include "core/screening/reasons.h"
#include "core/screening/rules/rule_condition.h"

namespace sluice {
namespace {

constexpr int64_t kStepsPerByteRead = 2;

struct CompiledRule {
  Rule rule;
  RuleConditionPtr condition;
  int cost = 0;
};

// What a condition's answer does to the posting.
struct Effect {
  bool vetoes = false;
  double log_odds = 0;
};

Effect EffectOf(const Rule& rule, Ternary state) {
  const bool unknown = state == Ternary::kUnknown;
  const bool fails = unknown && rule.on_unknown == OnUnknown::kFail;
  switch (rule.effect) {
    case RuleEffect::kMust:
      return {state == Ternary::kViolated || fails, 0};
    case RuleEffect::kMustNot:
      return {state == Ternary::kSatisfied || fails, 0};
    case RuleEffect::kShould:
      if (state == Ternary::kSatisfied) return {false, rule.weight};
      return {false, unknown && rule.on_unknown == OnUnknown::kPenalise ? -rule.weight / 2 : 0};
  }
  return {};
}

class CompiledScreener : public Screener {
 public:
  CompiledScreener(const Profile& profile, std::unique_ptr<const CurrencyRates> rates,
                   std::vector<CompiledRule> rules)
      : text_(profile.text),
        cuts_{profile.accept_at, profile.review_at},
        query_(profile.text),
        rates_(std::move(rates)),
        rules_(std::move(rules)),
        order_(rules_.size()) {
    std::iota(order_.begin(), order_.end(), 0);
    // Rules that can end it first, the cheap ones of them before the dear ones.
    std::stable_sort(order_.begin(), order_.end(), [&](size_t a, size_t b) {
      const bool a_should = rules_[a].rule.effect == RuleEffect::kShould,
                 b_should = rules_[b].rule.effect == RuleEffect::kShould;
      return a_should != b_should ? b_should : rules_[a].cost < rules_[b].cost;
    });
  }

  absl::StatusOr<PhaseOneSummary> Summarise(const Posting& posting, absl::Time as_of,
                                            WorkBudget& budget) const override {
    PostingView view(posting, budget);
    std::vector<double> contributions(rules_.size(), 0.0);
    ChargeReading(view);
    for (const size_t index : order_) {
      const std::optional<Ternary> state = rules_[index].condition->Evaluate(view, as_of, nullptr);
      SLUICE_RETURN_IF_ERROR(GoesOn(budget, rules_[index].rule));
      if (!state.has_value()) continue;
      const Effect effect = EffectOf(rules_[index].rule, *state);
      if (effect.vetoes) return PhaseOneSummary{.vetoed = true};
      contributions[index] = effect.log_odds;
    }
    // Summed in the profile's order, as Explain does: the sums must be equal to the last bit.
    const double log_odds = std::accumulate(contributions.begin(), contributions.end(), 0.0);
    return PhaseOneSummary{false, static_cast<float>(query_.Score(view.text().lowered)),
                           static_cast<float>(log_odds)};
  }

  absl::StatusOr<PhaseOneResult> Explain(const Posting& posting, absl::Time as_of,
                                         WorkBudget& budget) const override {
    PostingView view(posting, budget);
    PhaseOneResult result;
    result.rules.resize(rules_.size());
    ChargeReading(view);
    for (const size_t index : order_) {  // as Summarise does: the budget must end at the same rule
      RuleResult& explained = result.rules[index];
      explained = ExplainRule(rules_[index], view, as_of);
      if (const absl::Status goes_on = GoesOn(budget, rules_[index].rule); !goes_on.ok()) {
        if (!result.summary.vetoed || budget.cancelled()) return goes_on;
        explained = NotLookedAt(rules_[index].rule);
      }
      result.summary.vetoed = result.summary.vetoed || explained.vetoes;
    }
    double log_odds = 0;
    for (const RuleResult& rule : result.rules) log_odds += rule.contribution;
    const double bm25 = query_.Score(view.text().lowered, &result.terms);
    if (!result.summary.vetoed) {
      result.summary.bm25 = static_cast<float>(bm25);
      result.summary.should_log_odds = static_cast<float>(log_odds);
    }
    return result;
  }

  Verdict VerdictWithoutModel(const GatePlan& plan, PhaseOneResult result) const override {
    Verdict verdict = Begin(plan, std::move(result));
    if (verdict.decided_by != DecidedBy::kVeto) {
      // The same scale and cuts as phase two's, so that encoded and not encoded postings compare.
      verdict.score = verdict.phase1;
      verdict.decided_by = DecidedBy::kPhaseOne;
      verdict.decision = DecisionAt(verdict.score);
    }
    verdict.reasons = ReasonsFor(verdict, plan, cuts_);
    return verdict;
  }

  Verdict VerdictWithModel(const GatePlan& plan, PhaseOneResult result, double cosine,
                           int windows) const override {
    const PhaseOneSummary summary = result.summary;
    Verdict verdict = Begin(plan, std::move(result));
    if (verdict.decided_by != DecidedBy::kVeto) {
      verdict.phase2 = PhaseTwoProbability(plan, summary, cosine);
      verdict.cosine = cosine;
      verdict.windows = windows;
      verdict.score = *verdict.phase2;
      verdict.decided_by = DecidedBy::kPhaseTwo;
      verdict.decision = DecisionAt(verdict.score);
    }
    verdict.reasons = ReasonsFor(verdict, plan, cuts_);
    return verdict;
  }

  const std::string& profile_text() const override { return text_; }

 private:
  // What every posting costs: splitting it into words twice, and BM25.
  static void ChargeReading(PostingView& view) {
    const Posting& posting = view.posting();
    const size_t bytes =
        posting.title.size() + posting.company.size() + posting.location.size() + posting.description.size();
    view.budget().Spend(kStepsPerByteRead * static_cast<int64_t>(bytes));
  }

  static absl::Status GoesOn(const WorkBudget& budget, const Rule& rule) {
    if (budget.cancelled()) return absl::CancelledError("screening is no longer wanted");
    if (!budget.exhausted()) return absl::OkStatus();
    return WithReason(
        absl::InvalidArgumentError(absl::StrCat(
            "rule \"", rule.id, "\": with it, screening this posting takes more than ", budget.steps(),
            " steps; make patterns and phrases smaller, or the posting shorter (docs/profiles.md)")),
        "WORK_BUDGET_EXCEEDED");
  }

  static RuleResult NotLookedAt(const Rule& rule) {
    RuleResult result;
    result.rule_id = rule.id;
    result.effect = rule.effect;
    result.explanation = "not looked at: the posting's work budget was spent";
    return result;
  }

  static RuleResult ExplainRule(const CompiledRule& compiled, PostingView& view, absl::Time as_of) {
    RuleReasons reasons;
    const std::optional<Ternary> state = compiled.condition->Evaluate(view, as_of, &reasons);
    const Effect effect = state.has_value() ? EffectOf(compiled.rule, *state) : Effect{};
    RuleResult result;
    result.rule_id = compiled.rule.id;
    result.effect = compiled.rule.effect;
    result.state = state.value_or(Ternary::kUnknown);
    result.vetoes = effect.vetoes;
    result.contribution = effect.log_odds;
    result.evidence = std::move(reasons.evidence);
    result.explanation = std::move(reasons.sentence);
    return result;
  }

  // All that both kinds of verdict share; a vetoed one is decided.
  static Verdict Begin(const GatePlan& plan, PhaseOneResult result) {
    Verdict verdict;
    verdict.phase1 = result.summary.vetoed ? 0 : PhaseOneProbability(plan, result.summary);
    verdict.bm25 = result.summary.bm25;
    if (result.summary.vetoed) verdict.decided_by = DecidedBy::kVeto;
    verdict.rules = std::move(result.rules);
    verdict.terms = std::move(result.terms);
    return verdict;
  }

  Decision DecisionAt(double score) const {
    return score >= cuts_.accept_at   ? Decision::kAccept
           : score >= cuts_.review_at ? Decision::kReview
                                      : Decision::kReject;
  }

  const std::string text_;
  const VerdictCuts cuts_;
  const Bm25Query query_;
  const std::unique_ptr<const CurrencyRates> rates_;  // conditions refer to it
  const std::vector<CompiledRule> rules_;
  std::vector<size_t> order_;  // in which Summarise asks
};

}  // namespace

absl::StatusOr<std::unique_ptr<Screener>> Screener::Compile(const Profile& profile,
                                                            const ProfileLimits& limits) {
  auto rates = std::make_unique<const CurrencyRates>(profile.currency_rates);
  ProfileCompilation compilation{.limits = limits, .rates = *rates};
  compilation.violations = CheckProfile(profile, limits);
  compilation.patterns.count =
      static_cast<int>(std::count_if(profile.rules.begin(), profile.rules.end(), [](const Rule& rule) {
        return std::holds_alternative<RegexCondition>(rule.condition);
      }));
  std::vector<CompiledRule> rules;
  const size_t checked = std::min(profile.rules.size(), static_cast<size_t>(limits.max_rules));
  for (size_t i = 0; i < checked; ++i) {
    RuleCompiler compiler(profile.rules[i], absl::StrCat("rules[", i, "]"), compilation);
    rules.push_back({profile.rules[i], CompileCondition(compiler), CostOf(profile.rules[i])});
  }
  if (!compilation.violations.empty()) return FieldErrors(compilation.violations);
  return std::make_unique<CompiledScreener>(profile, std::move(rates), std::move(rules));
}

}  // namespace sluice
