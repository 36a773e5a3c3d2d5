// The gate: phase one's decision who goes on to the model. It decides who is encoded, not who is accepted.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace sluice {

enum class GatePolicy { kVolume = 1, kFixed = 2, kAll = 3, kRulesOnly = 4 };  // 5 is kept for a time budget
const char* GatePolicyName(GatePolicy policy);  // "volume", "fixed", "all", "rules_only"

enum class Preference { kBalanced, kQuality, kSpeed };

struct GateOptions {
  GatePolicy policy = GatePolicy::kVolume;
  Preference preference = Preference::kBalanced;  // volume only
  double threshold = 0.2;                         // fixed only, a probability in 0..1
};

// What the gate keeps of a posting after phase one: a few bytes. Of a vetoed one only `vetoed` is set.
struct PhaseOneSummary {
  bool vetoed = false;
  float bm25 = 0;             // normalised, 0..1
  float should_log_odds = 0;  // sum of the SHOULD rules
};

// A batch's committed decision: with it and the posting alone, everything phase one decided can be computed
// again, bit for bit. Stored as bytes, never changed.
struct GatePlan {
  GatePolicy policy = GatePolicy::kVolume;
  Preference preference = Preference::kBalanced;
  double threshold = 0;  // probability from which a posting goes on
  int64_t postings = 0;
  int64_t vetoed = 0;
  int64_t gated = 0;  // not vetoed, below the threshold: judged by phase one alone
  int64_t survivors = 0;
  std::string limited_by;      // "threshold", "all", "rules_only", "no_model"
  std::string calibration_id;  // of the coefficients
  std::string model_digest;    // "" without a model
  double bm25_mean = 0;        // over the postings that were not vetoed
  double bm25_stddev = 0;
  double prior_log_odds = 0;  // added to phase one's log-odds: the batch's own prior
  double phase2_prior_log_odds = 0;
  absl::Time as_of;
};

// The design's volume table: fewer than 20 -> 0.15, 20..49 -> 0.20, 50..100 -> 0.25, 101..199 -> 0.35, 200 or
// more -> 0.40, minus 0.05 for quality, plus 0.05 for speed.
double VolumeThreshold(int64_t postings, Preference preference);

// INVALID_ARGUMENT (field "gate.threshold") when out of range.
absl::Status ValidateGate(const GateOptions& options);

// Decides for a batch. `has_model` false turns every policy into rules_only, limited_by "no_model". `rank` of
// the answer orders survivors: best phase-one probability first, ties by index.
struct GateDecision {
  GatePlan plan;
  std::vector<int64_t> survivors;  // indices into `summaries`, best first
};
GateDecision DecideGate(const GateOptions& options, const std::vector<PhaseOneSummary>& summaries,
                        bool has_model, const std::string& model_digest, absl::Time as_of);

// Phase one's calibrated probability of a posting under a plan.
double PhaseOneProbability(const GatePlan& plan, const PhaseOneSummary& summary);

// Phase two's, from the same and the cosine of profile and posting.
double PhaseTwoProbability(const GatePlan& plan, const PhaseOneSummary& summary, double cosine);

// Recomputes the survivors of a committed plan, for a plan task that starts again: the same as DecideGate
// answered.
std::vector<int64_t> SurvivorsOf(const GatePlan& plan, const std::vector<PhaseOneSummary>& summaries);

}  // namespace sluice
