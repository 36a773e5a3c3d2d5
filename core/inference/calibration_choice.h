// Which of the variants that were measured is taken. Pure.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "core/inference/encoder_calibration.h"

namespace sluice {

struct VariantMeasurement {
  EncoderVariant variant;
  Division division;
  absl::Status status;           // why it could not be measured
  double tokens_per_second = 0;  // of all replicas together
  double least_cosine = 1;       // of a probe text's vector to that of fp32
};

// Its vectors are as good as those of fp32: a cosine of at least 0.999, in int8 of 0.99 (docs/quality.md says
// what that means to rankings). False for one that could not be measured.
bool Agrees(const VariantMeasurement& measured);

// `candidate` agrees and is at least 10 % faster: what noise gives must not decide.
bool TakesThePlaceOf(const VariantMeasurement& candidate, const VariantMeasurement& chosen);

// The same encoders on replicas of one thread each are at least 5 % faster.
bool IsWorthDividing(double whole_tokens_per_second, double divided_tokens_per_second);

// "int8 (avx512_vnni): 31000 tokens/s (2 x 1 threads), cosine to fp32 at least 0.99672".
std::string MeasurementText(const VariantMeasurement& measured);

}  // namespace sluice
