#include "core/screening/gate.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/screening/calibration.h"

namespace sluice {
namespace {

BatchBm25 BatchOf(const GatePlan& plan) {
  return {plan.bm25_mean, plan.bm25_stddev};
}

double PhaseOneOf(const GatePlan& plan, const PhaseOneSummary& summary) {
  return PhaseOneLogOdds(ShippedCalibration(), BatchOf(plan), summary.bm25) + summary.should_log_odds;
}

void MeasureBatch(const std::vector<PhaseOneSummary>& summaries, GatePlan* plan) {
  double sum = 0, squares = 0;
  int64_t count = 0;
  for (const PhaseOneSummary& summary : summaries) {
    if (summary.vetoed) continue;
    ++count;
    sum += summary.bm25;
  }
  if (count == 0) return;
  plan->bm25_mean = sum / count;
  for (const PhaseOneSummary& summary : summaries) {
    if (!summary.vetoed) squares += (summary.bm25 - plan->bm25_mean) * (summary.bm25 - plan->bm25_mean);
  }
  plan->bm25_stddev = std::sqrt(squares / count);
}

// SHOULD rules stay out of it: they say what is wished for, not how many postings match the profile.
void EstimatePrior(const std::vector<PhaseOneSummary>& summaries, GatePlan* plan) {
  std::vector<double> log_odds;
  log_odds.reserve(summaries.size());
  const Calibration& calibration = ShippedCalibration();
  for (const PhaseOneSummary& summary : summaries) {
    if (!summary.vetoed) log_odds.push_back(PhaseOneLogOdds(calibration, BatchOf(*plan), summary.bm25));
  }
  plan->prior_log_odds = PriorShift(log_odds, calibration.training_log_odds);
  plan->phase2_prior_log_odds = plan->prior_log_odds;
}

double ThresholdOf(const GateOptions& options, int64_t postings) {
  switch (options.policy) {
    case GatePolicy::kVolume:
      return VolumeThreshold(postings, options.preference);
    case GatePolicy::kFixed:
      return options.threshold;
    case GatePolicy::kAll:
    case GatePolicy::kRulesOnly:
      return 0;
  }
  return 0;
}

}  // namespace

const char* GatePolicyName(GatePolicy policy) {
  switch (policy) {
    case GatePolicy::kVolume:
      return "volume";
    case GatePolicy::kFixed:
      return "fixed";
    case GatePolicy::kAll:
      return "all";
    case GatePolicy::kRulesOnly:
      return "rules_only";
  }
  return "volume";
}

double VolumeThreshold(int64_t postings, Preference preference) {
  const int hundredths = (postings < 20     ? 15
                          : postings < 50   ? 20
                          : postings <= 100 ? 25
                          : postings < 200  ? 35
                                            : 40) +
                         (preference == Preference::kQuality ? -5
                          : preference == Preference::kSpeed ? 5
                                                             : 0);
  return hundredths / 100.0;
}

absl::Status ValidateGate(const GateOptions& options) {
  if (options.policy != GatePolicy::kFixed || (options.threshold >= 0 && options.threshold <= 1))
    return absl::OkStatus();
  return FieldError("gate.threshold",
                    absl::StrCat("is ", options.threshold, "; it is a probability from 0 to 1"));
}

GateDecision DecideGate(const GateOptions& options, const std::vector<PhaseOneSummary>& summaries,
                        bool has_model, const std::string& model_digest, absl::Time as_of) {
  GateDecision decision;
  GatePlan& plan = decision.plan;
  plan.policy = has_model ? options.policy : GatePolicy::kRulesOnly;
  plan.preference = options.preference;
  plan.postings = static_cast<int64_t>(summaries.size());
  plan.threshold = ThresholdOf({plan.policy, options.preference, options.threshold}, plan.postings);
  plan.vetoed =
      std::count_if(summaries.begin(), summaries.end(), [](const auto& summary) { return summary.vetoed; });
  plan.calibration_id = ShippedCalibration().id;
  plan.model_digest = has_model ? model_digest : "";
  plan.as_of = as_of;
  MeasureBatch(summaries, &plan);
  EstimatePrior(summaries, &plan);
  decision.survivors = SurvivorsOf(plan, summaries);
  plan.survivors = static_cast<int64_t>(decision.survivors.size());
  plan.gated = plan.policy == GatePolicy::kRulesOnly ? 0 : plan.postings - plan.vetoed - plan.survivors;
  plan.limited_by = !has_model                              ? "no_model"
                    : plan.policy == GatePolicy::kRulesOnly ? "rules_only"
                    : plan.policy == GatePolicy::kAll       ? "all"
                                                            : "threshold";
  return decision;
}

double PhaseOneProbability(const GatePlan& plan, const PhaseOneSummary& summary) {
  return Sigmoid(PhaseOneOf(plan, summary) + plan.prior_log_odds);
}

double PhaseTwoProbability(const GatePlan& plan, const PhaseOneSummary& summary, double cosine) {
  const double log_odds = PhaseTwoLogOdds(ShippedCalibration(), BatchOf(plan), summary.bm25, cosine);
  return Sigmoid(log_odds + summary.should_log_odds + plan.phase2_prior_log_odds);
}

std::vector<int64_t> SurvivorsOf(const GatePlan& plan, const std::vector<PhaseOneSummary>& summaries) {
  std::vector<int64_t> survivors;
  if (plan.policy == GatePolicy::kRulesOnly) return survivors;
  std::vector<double> probabilities(summaries.size());
  for (size_t i = 0; i < summaries.size(); ++i) {
    if (summaries[i].vetoed) continue;
    probabilities[i] = PhaseOneProbability(plan, summaries[i]);
    if (probabilities[i] >= plan.threshold) survivors.push_back(static_cast<int64_t>(i));
  }
  std::stable_sort(survivors.begin(), survivors.end(),
                   [&](int64_t a, int64_t b) { return probabilities[a] > probabilities[b]; });
  return survivors;
}

}  // namespace sluice
