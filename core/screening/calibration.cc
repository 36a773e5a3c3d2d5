#include "core/screening/calibration.h"

#include <algorithm>
#include <cmath>

namespace sluice {
namespace {

constexpr int kMostRounds = 50;
constexpr double kConverged = 1e-6;
constexpr double kMostShift = 2.5;
// Postings' worth of trust in the training prior: on a small batch the estimate alone is mostly noise.
constexpr double kPriorPostings = 20;

// Fitted on the benchmark's dev split (113 profiles, N = 20, 50, 100, 200, 500; seed 1) by
// tests/benchmarks/screening/fit_calibration.py.
constexpr Calibration kShipped{"1-396625a6", -3.4791, 1.1294,  9.2169, -6.4392,
                               0.7001,       6.2581,  12.1740, -2.1990};

}  // namespace

const Calibration& ShippedCalibration() {
  return kShipped;
}

double PhaseOneLogOdds(const Calibration& calibration, const BatchBm25& batch, double bm25) {
  return calibration.phase1_bias + calibration.phase1_z * batch.Standardised(bm25) +
         calibration.phase1_bm25 * bm25;
}

double PhaseTwoLogOdds(const Calibration& calibration, const BatchBm25& batch, double bm25, double cosine) {
  return calibration.phase2_bias + calibration.phase2_z * batch.Standardised(bm25) +
         calibration.phase2_bm25 * bm25 + calibration.phase2_cosine * cosine;
}

double Sigmoid(double log_odds) {
  return 1 / (1 + std::exp(-log_odds));
}

double PriorShift(const std::vector<double>& log_odds, double training_log_odds) {
  double shift = 0;
  if (log_odds.empty()) return shift;
  for (int round = 0; round < kMostRounds; ++round) {
    double matches = kPriorPostings * Sigmoid(training_log_odds);
    for (const double l : log_odds) matches += Sigmoid(l + shift);
    const double prior = matches / (log_odds.size() + kPriorPostings);
    const double next =
        std::clamp(std::log(prior / (1 - prior)) - training_log_odds, -kMostShift, kMostShift);
    const bool converged = std::abs(next - shift) < kConverged;
    shift = next;
    if (converged) break;
  }
  return shift;
}

}  // namespace sluice
