// CostModel: how long a micro-batch takes, by the tokens in it and how they stand in texts. Pure.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace sluice {

// What a pass is made of, as far as it costs.
struct PassSize {
  int64_t tokens = 0;          // rows of the pass: those of its texts, and padding where the encoder pads
  double squared_lengths = 0;  // sum over its texts of their tokens squared: what attention costs

  void Add(int64_t text_tokens) {
    tokens += text_tokens;
    squared_lengths += static_cast<double>(text_tokens) * static_cast<double>(text_tokens);
  }
};

struct CostSample {
  PassSize size;
  double seconds = 0;
};

// a + b * tokens + c * (sum of squared lengths): the products of a transformer grow with its rows, attention
// with the square of each text, and the rest, such as starting threads, is the same for every pass. A value.
struct CostModel {
  double seconds_per_pass = 0;           // a
  double seconds_per_token = 0;          // b
  double seconds_per_squared_token = 0;  // c

  double Seconds(const PassSize& size) const;

  // The most tokens, in texts of `text_tokens`, that take no longer than `seconds`; at least 0.
  double TokensWithin(double seconds, int64_t text_tokens) const;

  // Tokens a second of passes of `size`, one after another; 0 where the model knows no cost.
  double TokensPerSecond(const PassSize& size) const;
};

// The model with no negative term whose RELATIVE errors have the least sum of squares, so that small passes
// count as much as large ones.
//
// ALGORITHM: weighted linear least squares (weights 1/seconds²) with a, b, c >= 0; with three terms the best
// among all seven sets of terms that may be positive is found by solving each (Lawson and Hanson, "Solving
// Least Squares Problems", 1974, ch. 23, without the search).
//
// INVALID_ARGUMENT: a sample that is not finite and positive. FAILED_PRECONDITION: samples that do not tell
// the terms apart: fewer than three different sizes, or all of one text length and of one size.
absl::StatusOr<CostModel> FitCostModel(absl::Span<const CostSample> samples);

}  // namespace sluice
