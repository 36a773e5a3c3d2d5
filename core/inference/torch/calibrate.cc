#include "core/inference/torch/calibrate.h"

#include <algorithm>
#include <barrier>
#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/clock.h"
#include "core/base/status_macros.h"
#include "core/base/thread.h"
#include "core/hardware/tier.h"
#include "core/inference/cpu/quantized_bert.h"

namespace sluice {
namespace {

constexpr double kLeastCosine = 0.999;
constexpr double kLeastCosineOfInt8 = 0.99;
constexpr double kLeastGainOfPrecision = 1.1;  // what noise gives must not decide
constexpr double kLeastGainOfDividing = 1.05;
constexpr int kTimedPasses = 3;
constexpr int kProbeLengths[] = {64, 128, 160, 192, 224, 256};  // 1,024 tokens, about a CPU's micro-batch

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

double CountTokens(const Probe& probe) {
  double tokens = 0;
  for (const auto& text : probe) tokens += static_cast<double>(text.size());
  return tokens;
}

// One replica's share of a measurement. The first pass makes oneDNN's primitives and is not timed.
struct ReplicaRun {
  std::vector<float> vectors;
  double seconds[kTimedPasses] = {};
  absl::Status status;

  void Run(const ReplicaMaker& make_encoder, int threads, const Probe& probe, std::barrier<>& together) {
    status = Prepare(make_encoder, threads, probe);
    if (!status.ok()) return together.arrive_and_drop();
    const std::vector<absl::Span<const int32_t>> texts(probe.begin(), probe.end());
    for (double& pass : seconds) {
      together.arrive_and_wait();
      const absl::Duration begin = Clock::Real().MonotonicNow();
      status.Update(encoder->Encode(texts, absl::MakeSpan(vectors)));
      pass = absl::ToDoubleSeconds(Clock::Real().MonotonicNow() - begin);
    }
  }

 private:
  absl::Status Prepare(const ReplicaMaker& make_encoder, int threads, const Probe& probe) {
    SLUICE_ASSIGN_OR_RETURN(encoder, make_encoder(threads, /*warm_ladder=*/false));
    vectors.resize(probe.size() * static_cast<size_t>(encoder->description().dimensions));
    const std::vector<absl::Span<const int32_t>> texts(probe.begin(), probe.end());
    return encoder->Encode(texts, absl::MakeSpan(vectors));
  }

  std::unique_ptr<Encoder> encoder;
};

struct Division {
  int replicas = 1;
  int threads = 1;
};

struct Measurement {
  ReplicaMaker make_encoder;
  Division division;
  std::vector<float> vectors;
  double tokens_per_second = 0;
};

absl::StatusOr<Measurement> Measure(const ReplicaMaker& make_encoder, Division division, const Probe& probe) {
  std::vector<ReplicaRun> runs(static_cast<size_t>(division.replicas));
  std::barrier<> together(division.replicas);
  {
    std::vector<Thread> threads;
    for (ReplicaRun& run : runs)
      threads.emplace_back("calibrate", [&] { run.Run(make_encoder, division.threads, probe, together); });
  }
  for (const ReplicaRun& run : runs) SLUICE_RETURN_IF_ERROR(run.status);
  Measurement measurement{
      .make_encoder = make_encoder, .division = division, .vectors = std::move(runs[0].vectors)};
  for (int pass = 0; pass < kTimedPasses; ++pass) {
    double slowest = 1e-9;
    for (const ReplicaRun& run : runs) slowest = std::max(slowest, run.seconds[pass]);
    measurement.tokens_per_second =
        std::max(measurement.tokens_per_second, division.replicas * CountTokens(probe) / slowest);
  }
  return measurement;
}

double Cosine(absl::Span<const float> a, absl::Span<const float> b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += double{a[i]} * b[i];
    aa += double{a[i]} * a[i];
    bb += double{b[i]} * b[i];
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

double LeastCosine(absl::Span<const float> a, absl::Span<const float> b, size_t dimensions) {
  double least = 1;
  for (size_t begin = 0; begin < a.size(); begin += dimensions)
    least = std::min(least, Cosine(a.subspan(begin, dimensions), b.subspan(begin, dimensions)));
  return least;
}

class Calibrator {
 public:
  Calibrator(std::shared_ptr<const BertModelFiles> files, const CalibrationRequest& request)
      : files_(std::move(files)),
        request_(request),
        model_(DescribeModel(*files_)),
        probe_(MakeProbe(model_)),
        asked_{.replicas = request.replicas, .threads = request.encoder.threads} {}

  absl::StatusOr<Calibration> Run() {
    SLUICE_RETURN_IF_ERROR(request_.precision.has_value() ? Take(*request_.precision) : ChoosePrecision());
    if (MayDivide() && chosen_.precision != Precision::kInt8) Divide();
    return std::move(chosen_);
  }

 private:
  bool MayDivide() const {
    return request_.may_divide && asked_.threads > 1 && asked_.replicas * asked_.threads <= kMaxReplicas;
  }

  Division SingleThreads() const {
    return {.replicas = std::min(kMaxReplicas, asked_.replicas * asked_.threads), .threads = 1};
  }

  absl::StatusOr<Measurement> MeasureAt(Precision precision) {
    if (precision == Precision::kInt8) return MeasureInt8();
    TorchEncoderOptions options = request_.encoder;
    options.precision = precision;
    SLUICE_ASSIGN_OR_RETURN(const std::shared_ptr<const BertNetwork> network,
                            LoadBertNetwork(files_, options));
    const auto make_encoder = [network, options](int threads, bool warm_ladder) {
      TorchEncoderOptions own = options;
      own.threads = threads;
      own.warm_ladder = warm_ladder;
      return MakeTorchEncoder(network, own);
    };
    return Measure(make_encoder, asked_, probe_);
  }

  absl::StatusOr<Measurement> MeasureInt8() {
    if (request_.encoder.device != DeviceType::kCpu || FastInt8Kernels().empty()) {
      return absl::FailedPreconditionError(
          "int8 runs on processors with AVX-512 VNNI, and on no other device");
    }
    SLUICE_ASSIGN_OR_RETURN(const std::shared_ptr<const QuantizedBert> network,
                            QuantizedBert::Create(files_, *FastInt8Kernels().front()));
    const auto make_encoder = [network](int, bool) -> absl::StatusOr<std::unique_ptr<Encoder>> {
      return MakeQuantizedEncoder(network);
    };
    const Division fixed = {.replicas = asked_.replicas, .threads = 1};
    return Measure(make_encoder, request_.may_divide ? SingleThreads() : fixed, probe_);
  }

  void Choose(Precision precision, const Measurement& measurement) {
    chosen_.precision = precision;
    chosen_.make_encoder = measurement.make_encoder;
    chosen_.replicas = measurement.division.replicas;
    chosen_.threads = measurement.division.threads;
    chosen_.tokens_per_second = measurement.tokens_per_second;
  }

  absl::Status Take(Precision precision) {
    SLUICE_ASSIGN_OR_RETURN(const Measurement measurement, MeasureAt(precision));
    Choose(precision, measurement);
    chosen_.reason = absl::StrFormat("%s as asked for: %.0f tokens/s (%d x %d threads)",
                                     PrecisionName(precision), measurement.tokens_per_second,
                                     measurement.division.replicas, measurement.division.threads);
    return absl::OkStatus();
  }

  absl::Status ChoosePrecision() {
    SLUICE_ASSIGN_OR_RETURN(const Measurement fp32, MeasureAt(Precision::kFp32));
    Choose(Precision::kFp32, fp32);
    chosen_.reason = absl::StrFormat("fp32: %.0f tokens/s", fp32.tokens_per_second);
    for (const Precision precision : Candidates()) Compare(precision, fp32);
    return absl::OkStatus();
  }

  std::vector<Precision> Candidates() {
    switch (request_.encoder.device) {
      case DeviceType::kCuda:
        return {Precision::kFp16, Precision::kBf16};
      case DeviceType::kMps:
        return {Precision::kFp16};
      case DeviceType::kCpu:
        break;
    }
    if (request_.bf16_instructions) return {Precision::kBf16, Precision::kInt8};
    absl::StrAppend(&chosen_.reason, "; bf16: the processor has no instructions for it");
    return {Precision::kInt8};
  }

  void Compare(Precision precision, const Measurement& fp32) {
    const auto candidate = MeasureAt(precision);
    absl::StrAppend(&chosen_.reason, "; ", PrecisionName(precision), ": ");
    if (!candidate.ok()) return absl::StrAppend(&chosen_.reason, candidate.status().message());
    const double cosine =
        LeastCosine(candidate->vectors, fp32.vectors, static_cast<size_t>(model_.dimensions));
    absl::StrAppend(&chosen_.reason,
                    absl::StrFormat("%.0f tokens/s (%d x %d threads), cosine to fp32 at least %.5f",
                                    candidate->tokens_per_second, candidate->division.replicas,
                                    candidate->division.threads, cosine));
    const double least_cosine = precision == Precision::kInt8 ? kLeastCosineOfInt8 : kLeastCosine;
    if (cosine >= least_cosine &&
        candidate->tokens_per_second >= kLeastGainOfPrecision * chosen_.tokens_per_second)
      Choose(precision, *candidate);
  }

  void Divide() {
    const Division single = SingleThreads();
    const auto divided = Measure(chosen_.make_encoder, single, probe_);
    absl::StrAppend(&chosen_.reason, "; ", single.replicas, " replicas of one thread: ");
    if (!divided.ok()) return absl::StrAppend(&chosen_.reason, divided.status().message());
    absl::StrAppend(&chosen_.reason, absl::StrFormat("%.0f tokens/s", divided->tokens_per_second));
    if (divided->tokens_per_second < kLeastGainOfDividing * chosen_.tokens_per_second) return;
    chosen_.replicas = single.replicas;
    chosen_.threads = single.threads;
    chosen_.tokens_per_second = divided->tokens_per_second;
  }

  const std::shared_ptr<const BertModelFiles> files_;
  const CalibrationRequest request_;
  const EncoderDescription model_;
  const Probe probe_;
  const Division asked_;
  Calibration chosen_;
};

}  // namespace

absl::StatusOr<Calibration> CalibrateEncoder(const std::shared_ptr<const BertModelFiles>& files,
                                             const CalibrationRequest& request) {
  return Calibrator(files, request).Run();
}

}  // namespace sluice
