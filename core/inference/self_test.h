// SelfTest: whether every device and precision of a machine gives the vectors that it should, and how fast.
// For owners of machines that nobody ran Sluice on. Pure: what is measured is the encoder source's matter.
#pragma once

#include <string>

#include "absl/types/span.h"
#include "core/inference/calibration_choice.h"

namespace sluice {

struct SelfTestRow {
  std::string device;              // "cpu", "cuda:0"
  VariantMeasurement measurement;  // its cosine is to fp32 on the processor
};

enum class SelfTestResult {
  kAgrees,
  kDiffers,  // it runs, and its vectors are not those of fp32
  kFailed,
  kNotThere,  // FAILED_PRECONDITION or UNIMPLEMENTED: this machine cannot do it, which is no fault
};
SelfTestResult ResultOf(const SelfTestRow& row);

// Something ran, and nothing that ran differs or failed.
bool SelfTestPassed(absl::Span<const SelfTestRow> rows);

// A table with a line a row and one that says how it went.
std::string SelfTestText(absl::Span<const SelfTestRow> rows);

}  // namespace sluice
