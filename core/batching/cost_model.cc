#include "core/batching/cost_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

constexpr int kTerms = 3;
constexpr double kLeastPivot = 1e-9;  // of columns of length 1: below, they are multiples of each other

using Terms = std::array<double, kTerms>;

Terms TermsOf(const PassSize& size) {
  return {1.0, static_cast<double>(size.tokens), size.squared_lengths};
}

// The sums of a least squares problem "scaled row * x = 1" whose columns have length 1.
struct NormalEquations {
  std::array<Terms, kTerms> matrix = {};
  Terms right = {};
  Terms scale = {};  // of each column
  double ones = 0;

  explicit NormalEquations(absl::Span<const CostSample> samples) : ones(static_cast<double>(samples.size())) {
    for (const CostSample& sample : samples) {
      const Terms row = TermsOf(sample.size);
      for (int i = 0; i < kTerms; ++i) {
        right[i] += row[i] / sample.seconds;
        for (int j = 0; j < kTerms; ++j) matrix[i][j] += row[i] * row[j] / (sample.seconds * sample.seconds);
      }
    }
    for (int i = 0; i < kTerms; ++i) scale[i] = std::sqrt(matrix[i][i]);
    for (int i = 0; i < kTerms; ++i) {
      right[i] /= scale[i];
      for (int j = 0; j < kTerms; ++j) matrix[i][j] /= scale[i] * scale[j];
    }
  }

  double SquaredError(const Terms& x) const {
    double error = ones;
    for (int i = 0; i < kTerms; ++i) {
      error -= 2 * x[i] * right[i];
      for (int j = 0; j < kTerms; ++j) error += x[i] * matrix[i][j] * x[j];
    }
    return error;
  }
};

// Solves for the terms of `chosen` (a bit each), the others 0, by elimination; the matrix is positive
// definite, so no row needs to be exchanged. nullopt where it is not.
std::optional<Terms> Solve(const NormalEquations& equations, unsigned chosen) {
  auto matrix = equations.matrix;
  Terms right = equations.right;
  for (int i = 0; i < kTerms; ++i) {
    if ((chosen >> i & 1U) != 0) continue;
    for (int j = 0; j < kTerms; ++j) matrix[i][j] = matrix[j][i] = 0;
    matrix[i][i] = 1;
    right[i] = 0;
  }
  for (int pivot = 0; pivot < kTerms; ++pivot) {
    if (matrix[pivot][pivot] < kLeastPivot) return std::nullopt;
    for (int row = pivot + 1; row < kTerms; ++row) {
      const double factor = matrix[row][pivot] / matrix[pivot][pivot];
      for (int column = pivot; column < kTerms; ++column)
        matrix[row][column] -= factor * matrix[pivot][column];
      right[row] -= factor * right[pivot];
    }
  }
  Terms x = {};
  for (int i = kTerms - 1; i >= 0; --i) {
    double rest = right[i];
    for (int j = i + 1; j < kTerms; ++j) rest -= matrix[i][j] * x[j];
    x[i] = rest / matrix[i][i];
  }
  return x;
}

absl::Status CheckSamples(absl::Span<const CostSample> samples) {
  std::vector<std::pair<int64_t, double>> sizes;
  for (const CostSample& sample : samples) {
    if (!(sample.seconds > 0) || !std::isfinite(sample.seconds) || sample.size.tokens < 1 ||
        !(sample.size.squared_lengths > 0) || !std::isfinite(sample.size.squared_lengths)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a pass of ", sample.size.tokens, " tokens, squared lengths ", sample.size.squared_lengths, ", in ",
          sample.seconds, " s: want finite numbers above 0"));
    }
    sizes.emplace_back(sample.size.tokens, sample.size.squared_lengths);
  }
  std::sort(sizes.begin(), sizes.end());
  const auto different = std::unique(sizes.begin(), sizes.end()) - sizes.begin();
  if (different >= kTerms) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("passes of ", different, " different sizes: a cost model needs at least ", kTerms));
}

}  // namespace

double CostModel::Seconds(const PassSize& size) const {
  return seconds_per_pass + seconds_per_token * static_cast<double>(size.tokens) +
         seconds_per_squared_token * size.squared_lengths;
}

double CostModel::TokensWithin(double seconds, int64_t text_tokens) const {
  const double each = seconds_per_token + seconds_per_squared_token * static_cast<double>(text_tokens);
  const double rest = std::max(0.0, seconds - seconds_per_pass);
  return each > 0 ? rest / each : std::numeric_limits<double>::infinity();
}

double CostModel::TokensPerSecond(const PassSize& size) const {
  const double seconds = Seconds(size);
  return seconds > 0 ? static_cast<double>(size.tokens) / seconds : 0;
}

absl::StatusOr<CostModel> FitCostModel(absl::Span<const CostSample> samples) {
  SLUICE_RETURN_IF_ERROR(CheckSamples(samples));
  const NormalEquations equations(samples);
  constexpr unsigned kAll = (1U << kTerms) - 1;
  if (!Solve(equations, kAll).has_value()) {
    return absl::FailedPreconditionError(
        "the passes do not tell the terms of a cost model apart: they must differ in tokens and in the "
        "lengths of their texts");
  }
  Terms best = {};
  double least_error = std::numeric_limits<double>::infinity();
  for (unsigned chosen = 1; chosen <= kAll; ++chosen) {
    const std::optional<Terms> x = Solve(equations, chosen);
    if (!x.has_value() || std::any_of(x->begin(), x->end(), [](double term) { return term < 0; })) continue;
    const double error = equations.SquaredError(*x);
    if (error < least_error) {
      least_error = error;
      best = *x;
    }
  }
  return CostModel{.seconds_per_pass = best[0] / equations.scale[0],
                   .seconds_per_token = best[1] / equations.scale[1],
                   .seconds_per_squared_token = best[2] / equations.scale[2]};
}

}  // namespace sluice
