#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/clock.h"
#include "core/base/status_macros.h"
#include "core/inference/torch/torch_encoder.h"

namespace sluice {
namespace {

constexpr double kLeastCosine = 0.999;
constexpr int kTimedPasses = 3;
constexpr int kProbeLengths[] = {16, 40, 64, 96, 128, 168};  // 512 tokens: a whole rung of the row ladder

using Probe = std::vector<std::vector<int32_t>>;

// Fixed texts of random ids. They are no language, but they go through every layer as any other does.
Probe MakeProbe(const EncoderDescription& model) {
  std::mt19937 generator(20260115);
  Probe probe;
  for (const int length : kProbeLengths) {
    std::vector<int32_t> text(std::min(length, model.max_tokens));
    for (int32_t& id : text)
      id = static_cast<int32_t>(generator() % static_cast<uint32_t>(model.vocabulary_size));
    probe.push_back(std::move(text));
  }
  return probe;
}

struct Measurement {
  std::vector<float> vectors;
  double tokens_per_second = 0;
};

absl::StatusOr<Measurement> Measure(std::shared_ptr<const BertModelFiles> files,
                                    const TorchEncoderOptions& options, const Probe& probe) {
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<Encoder> encoder,
                          MakeTorchEncoder(std::move(files), options));
  const std::vector<absl::Span<const int32_t>> texts(probe.begin(), probe.end());
  double tokens = 0;
  for (const auto& text : texts) tokens += static_cast<double>(text.size());
  Measurement measurement{.vectors = std::vector<float>(probe.size() * encoder->description().dimensions)};
  // The first pass makes the primitives and is not timed.
  SLUICE_RETURN_IF_ERROR(encoder->Encode(texts, absl::MakeSpan(measurement.vectors)));
  for (int i = 0; i < kTimedPasses; ++i) {
    const absl::Duration begin = Clock::Real().MonotonicNow();
    SLUICE_RETURN_IF_ERROR(encoder->Encode(texts, absl::MakeSpan(measurement.vectors)));
    const double seconds = absl::ToDoubleSeconds(Clock::Real().MonotonicNow() - begin);
    measurement.tokens_per_second = std::max(measurement.tokens_per_second, tokens / seconds);
  }
  return measurement;
}

double LeastCosine(const std::vector<float>& a, const std::vector<float>& b, size_t dimensions) {
  double least = 1;
  for (size_t begin = 0; begin < a.size(); begin += dimensions) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = begin; i < begin + dimensions; ++i) {
      ab += double{a[i]} * b[i];
      aa += double{a[i]} * a[i];
      bb += double{b[i]} * b[i];
    }
    least = std::min(least, ab / std::sqrt(aa * bb));
  }
  return least;
}

std::vector<Precision> Candidates(DeviceType device) {
  switch (device) {
    case DeviceType::kCuda:
      return {Precision::kFp16, Precision::kBf16};
    case DeviceType::kMps:
      return {Precision::kFp16};
    case DeviceType::kCpu:
      break;
  }
  return {Precision::kBf16};
}

}  // namespace

absl::StatusOr<PrecisionChoice> ChoosePrecision(std::shared_ptr<const BertModelFiles> files,
                                                TorchEncoderOptions options) {
  const EncoderDescription model = DescribeModel(*files);
  const Probe probe = MakeProbe(model);
  options.warm_ladder = false;
  options.precision = Precision::kFp32;
  SLUICE_ASSIGN_OR_RETURN(const Measurement fp32, Measure(files, options, probe));
  PrecisionChoice choice{.precision = Precision::kFp32,
                         .tokens_per_second = fp32.tokens_per_second,
                         .reason = absl::StrFormat("fp32: %.0f tokens/s", fp32.tokens_per_second)};
  for (const Precision precision : Candidates(options.device)) {
    options.precision = precision;
    const auto candidate = Measure(files, options, probe);
    absl::StrAppend(&choice.reason, "; ", PrecisionName(precision), ": ");
    if (!candidate.ok()) {
      absl::StrAppend(&choice.reason, candidate.status().message());
      continue;
    }
    const double cosine =
        LeastCosine(candidate->vectors, fp32.vectors, static_cast<size_t>(model.dimensions));
    absl::StrAppend(&choice.reason, absl::StrFormat("%.0f tokens/s, cosine to fp32 at least %.5f",
                                                    candidate->tokens_per_second, cosine));
    if (cosine >= kLeastCosine && candidate->tokens_per_second > choice.tokens_per_second) {
      choice.precision = precision;
      choice.tokens_per_second = candidate->tokens_per_second;
    }
  }
  return choice;
}

}  // namespace sluice
