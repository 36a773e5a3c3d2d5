#include "core/inference/encoder_calibration.h"

#include "absl/strings/str_cat.h"

namespace sluice {

std::string VariantName(const EncoderVariant& variant) {
  const char* const precision = PrecisionName(variant.precision);
  return variant.kernels.empty() ? precision : absl::StrCat(precision, " (", variant.kernels, ")");
}

double TokensPerSecondIn(const EncoderCalibration& calibration, int texts, int64_t text_tokens) {
  if (!HasCostModel(calibration)) return calibration.tokens_per_second;
  PassSize size;
  for (int i = 0; i < texts; ++i) size.Add(text_tokens);
  return calibration.division.replicas * calibration.cost.TokensPerSecond(size);
}

}  // namespace sluice
