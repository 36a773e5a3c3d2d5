// The shipped calibration: from BM25 and cosine to probabilities. Pure.
//
// Logistic regressions fitted by tests/benchmarks/screening/fit_calibration.py on features that this code
// computed. A batch's own share of matches shifts the prior, estimated by expectation maximisation: Saerens,
// Latinne, Decaestecker, "Adjusting the Outputs of a Classifier to New a Priori Probabilities" (2002), held
// to the training prior by twenty postings' worth.
#pragma once

#include <vector>

namespace sluice {

struct Calibration {
  const char* id;  // version and hash of the coefficients
  // log-odds = bias + z · (bm25 - mean) / stddev + bm25 · bm25, mean and stddev of the batch
  double phase1_bias, phase1_z, phase1_bm25;
  // … + cosine · cosine
  double phase2_bias, phase2_z, phase2_bm25, phase2_cosine;
  double training_log_odds;  // of a match in what it was fitted on
};

const Calibration& ShippedCalibration();

struct BatchBm25 {
  double mean = 0;
  double stddev = 0;

  double Standardised(double bm25) const { return stddev > 0 ? (bm25 - mean) / stddev : 0; }
};

double PhaseOneLogOdds(const Calibration& calibration, const BatchBm25& batch, double bm25);
double PhaseTwoLogOdds(const Calibration& calibration, const BatchBm25& batch, double bm25, double cosine);

double Sigmoid(double log_odds);

// What to add to every one of `log_odds` so that the batch has its own prior, clamped; 0 for an empty batch.
// The same for the same input in the same order.
double PriorShift(const std::vector<double>& log_odds, double training_log_odds);

}  // namespace sluice
