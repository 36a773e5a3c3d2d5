// cost_model_benchmark: how well the cost model of a calibration predicts micro-batches that it was not
// fitted to.
//
//   cost_model_benchmark MODEL_DIR [micro-batches=200] [threads=2] [auto|fp32|bf16|int8] [cpu]
//
// With "cpu", seconds are those that the replica's thread was running (of encoders of one thread: int8): what
// other processes take of the machine is then not counted, though what they take of its caches is.
//
// Calibrates as a server does, then runs random micro-batches (1 to 6 texts of lengths as postings and
// queries have them, within 2,048 tokens) with every replica at work, and prints which share of the times is
// predicted within 15 %: of single passes, and of the best of three, from which other work on the machine is
// mostly gone.
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/inference/row_ladder.h"
#include "core/inference/torch/calibrate.h"

namespace sluice {
namespace {

using Passes = std::vector<std::vector<int64_t>>;

constexpr int64_t kMaxBatchTokens = 2048;
constexpr size_t kMaxBatchJobs = 6;

// Half of the micro-batches of short texts, half of postings: log-normal lengths around 24 and 180 tokens.
Passes RandomPasses(size_t count, int64_t max_tokens) {
  std::mt19937 generator(5);
  Passes passes(count);
  for (size_t i = 0; i < count; ++i) {
    std::lognormal_distribution<double> length(std::log(i % 2 == 0 ? 24.0 : 180.0), 0.6);
    const size_t jobs = 1 + generator() % kMaxBatchJobs;
    int64_t tokens = 0;
    while (passes[i].size() < jobs) {
      const int64_t text = std::clamp<int64_t>(std::llround(length(generator)), 3, max_tokens);
      if (!passes[i].empty() && tokens + text > kMaxBatchTokens) break;
      passes[i].push_back(text);
      tokens += text;
    }
  }
  return passes;
}

class ThreadCpuClock final : public Clock {
 public:
  absl::Time WallNow() const override { return Clock::Real().WallNow(); }
  absl::Duration MonotonicNow() const override {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return absl::DurationFromTimespec(time);
  }
};

void Report(const char* what, const std::vector<double>& ratios) {
  std::vector<double> errors;
  for (const double ratio : ratios) errors.push_back(std::abs(ratio - 1));
  std::sort(errors.begin(), errors.end());
  const auto within = std::upper_bound(errors.begin(), errors.end(), 0.15) - errors.begin();
  const auto count = static_cast<double>(errors.size());
  std::printf("%-16s %5.1f %% within 15 %%; error: median %.1f %%, 90th percentile %.1f %%\n", what,
              100.0 * static_cast<double>(within) / count, 100 * errors[errors.size() / 2],
              100 * errors[errors.size() * 9 / 10]);
}

absl::Status Run(const std::string& model, size_t count, const CalibrationRequest& request) {
  const auto files = LoadBertModelFiles(model);
  if (!files.ok()) return files.status();
  const auto encoder = CalibrateEncoder(*files, request);
  if (!encoder.ok()) return encoder.status();
  const EncoderCalibration& calibration = encoder->calibration;
  std::printf("%s\na %.3f ms, b %.2f us, c %.3f ns; %d x %d threads; fitted to %zu passes\n",
              calibration.reason.c_str(), 1e3 * calibration.cost.seconds_per_pass,
              1e6 * calibration.cost.seconds_per_token, 1e9 * calibration.cost.seconds_per_squared_token,
              calibration.division.replicas, calibration.division.threads, calibration.curve.size());
  const Passes passes = RandomPasses(count, DescribeModel(**files).max_tokens);
  for (const auto& [what, rounds] : {std::pair("single passes", 1), std::pair("best of three", 3)}) {
    const auto seconds =
        MeasurePasses(encoder->make_encoder, calibration.division, passes, rounds, *request.clock);
    if (!seconds.ok()) return seconds.status();
    std::vector<double> ratios;
    for (size_t i = 0; i < passes.size(); ++i) {
      PassSize size;
      for (const int64_t text : passes[i]) size.Add(text);
      if (calibration.variant.kernels.empty()) size.tokens = RowsOnLadder(size.tokens);
      ratios.push_back(calibration.cost.Seconds(size) / (*seconds)[i]);
    }
    Report(what, ratios);
  }
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s MODEL_DIR [micro-batches] [threads] [auto|fp32|bf16|int8] [cpu]\n",
                 argv[0]);
    return 2;
  }
  const int threads = argc > 3 ? std::atoi(argv[3]) : 2;
  const std::string precision = argc > 4 ? argv[4] : "auto";
  CalibrationRequest request{.encoder = {.threads = threads, .max_batch_tokens = kMaxBatchTokens},
                             .bf16_instructions = false,
                             .may_divide = true};
  for (const Precision each : {Precision::kFp32, Precision::kBf16, Precision::kInt8}) {
    if (precision == PrecisionName(each)) request.precision = each;
  }
  const ThreadCpuClock cpu;
  if (argc > 5 && std::strcmp(argv[5], "cpu") == 0) request.clock = &cpu;
  const absl::Status status = Run(argv[1], static_cast<size_t>(argc > 2 ? std::atoi(argv[2]) : 200), request);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  return sluice::Main(argc, argv);
}
