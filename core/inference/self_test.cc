#include "core/inference/self_test.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace sluice {
namespace {

std::string RowText(const SelfTestRow& row) {
  const VariantMeasurement& measured = row.measurement;
  const std::string name = absl::StrFormat("%-8s %-22s ", row.device, VariantName(measured.variant));
  const std::string figures =
      absl::StrFormat("%3d x %-3d %12.0f %9.5f  ", measured.division.replicas, measured.division.threads,
                      measured.tokens_per_second, measured.least_cosine);
  const std::string no_figures(31, ' ');
  switch (ResultOf(row)) {
    case SelfTestResult::kAgrees:
      return absl::StrCat(name, figures, "agrees\n");
    case SelfTestResult::kDiffers:
      return absl::StrCat(name, figures, "DIFFERS from fp32 on the processor\n");
    case SelfTestResult::kFailed:
      return absl::StrCat(name, no_figures, "FAILED: ", measured.status.message(), "\n");
    case SelfTestResult::kNotThere:
      break;
  }
  return absl::StrCat(name, no_figures, "not run: ", measured.status.message(), "\n");
}

}  // namespace

SelfTestResult ResultOf(const SelfTestRow& row) {
  const absl::Status& status = row.measurement.status;
  if (absl::IsFailedPrecondition(status) || absl::IsUnimplemented(status)) return SelfTestResult::kNotThere;
  if (!status.ok()) return SelfTestResult::kFailed;
  return Agrees(row.measurement) ? SelfTestResult::kAgrees : SelfTestResult::kDiffers;
}

bool SelfTestPassed(absl::Span<const SelfTestRow> rows) {
  const auto is = [](SelfTestResult result) {
    return [result](const SelfTestRow& row) { return ResultOf(row) == result; };
  };
  return std::any_of(rows.begin(), rows.end(), is(SelfTestResult::kAgrees)) &&
         std::none_of(rows.begin(), rows.end(), is(SelfTestResult::kDiffers)) &&
         std::none_of(rows.begin(), rows.end(), is(SelfTestResult::kFailed));
}

std::string SelfTestText(absl::Span<const SelfTestRow> rows) {
  std::string text = absl::StrFormat("%-8s %-22s %9s %12s %9s  %s\n", "device", "precision", "threads",
                                     "tokens/s", "cosine", "");
  for (const SelfTestRow& row : rows) absl::StrAppend(&text, RowText(row));
  absl::StrAppend(&text, SelfTestPassed(rows) ? "self-test passed\n" : "self-test FAILED\n");
  return text;
}

}  // namespace sluice
