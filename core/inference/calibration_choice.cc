#include "core/inference/calibration_choice.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace sluice {
namespace {

constexpr double kLeastCosine = 0.999;
constexpr double kLeastCosineOfInt8 = 0.99;
constexpr double kLeastGainOfVariant = 1.1;
constexpr double kLeastGainOfDividing = 1.05;

}  // namespace

bool Agrees(const VariantMeasurement& measured) {
  const bool int8 = measured.variant.precision == Precision::kInt8;
  return measured.status.ok() && measured.least_cosine >= (int8 ? kLeastCosineOfInt8 : kLeastCosine);
}

bool TakesThePlaceOf(const VariantMeasurement& candidate, const VariantMeasurement& chosen) {
  return Agrees(candidate) && candidate.tokens_per_second >= kLeastGainOfVariant * chosen.tokens_per_second;
}

bool IsWorthDividing(double whole_tokens_per_second, double divided_tokens_per_second) {
  return divided_tokens_per_second >= kLeastGainOfDividing * whole_tokens_per_second;
}

std::string MeasurementText(const VariantMeasurement& measured) {
  const std::string name = VariantName(measured.variant);
  if (!measured.status.ok()) return absl::StrCat(name, ": ", measured.status.message());
  std::string text = absl::StrFormat("%s: %.0f tokens/s (%d x %d threads", name, measured.tokens_per_second,
                                     measured.division.replicas, measured.division.threads);
  if (measured.division.wider > 0) absl::StrAppend(&text, ", ", measured.division.wider, " with one more");
  absl::StrAppend(&text, ")");
  if (measured.variant.precision != Precision::kFp32)
    absl::StrAppend(&text, absl::StrFormat(", cosine to fp32 at least %.5f", measured.least_cosine));
  return text;
}

}  // namespace sluice
