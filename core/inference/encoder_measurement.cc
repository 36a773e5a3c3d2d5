#include "core/inference/encoder_measurement.h"

#include <algorithm>
#include <barrier>
#include <cmath>
#include <iterator>
#include <random>
#include <utility>

#include "core/base/status_macros.h"
#include "core/base/thread.h"
#include "core/inference/row_ladder.h"

namespace sluice {
namespace {

constexpr int kTimedPasses = 3;
constexpr size_t kLeastShapes = 6;
constexpr double kLeastSeconds = 1e-9;

using ProbeSpans = std::vector<absl::Span<const int32_t>>;

int64_t CountTokens(const ProbeTexts& texts) {
  int64_t tokens = 0;
  for (const auto& text : texts) tokens += static_cast<int64_t>(text.size());
  return tokens;
}

// One replica while it is measured: its encoder, and where the vectors of a pass go.
class MeasuredReplica {
 public:
  explicit MeasuredReplica(const Clock& clock) : clock_(clock) {}

  absl::Status Prepare(const ReplicaMaker& make_encoder, int threads) {
    SLUICE_ASSIGN_OR_RETURN(encoder_, make_encoder(threads, /*warm_ladder=*/false));
    return absl::OkStatus();
  }

  // Seconds of the pass.
  absl::StatusOr<double> Encode(const ProbeTexts& probe) {
    const ProbeSpans texts(probe.begin(), probe.end());
    vectors_.resize(texts.size() * static_cast<size_t>(description().dimensions));
    const absl::Duration begin = clock_.MonotonicNow();
    SLUICE_RETURN_IF_ERROR(encoder_->Encode(texts, absl::MakeSpan(vectors_)));
    return std::max(absl::ToDoubleSeconds(clock_.MonotonicNow() - begin), kLeastSeconds);
  }

  const EncoderDescription& description() const { return encoder_->description(); }
  std::vector<float>& vectors() { return vectors_; }

 private:
  const Clock& clock_;
  std::unique_ptr<Encoder> encoder_;
  std::vector<float> vectors_;
};

// What one replica's thread leaves behind.
struct ReplicaTimes {
  absl::Status status;
  std::vector<float> vectors;
  std::vector<std::vector<double>> seconds;  // [rounds][probes]
};

struct TimingPlan {
  const ReplicaMaker& make_encoder;
  std::function<std::vector<ProbeTexts>(const EncoderDescription&)> make_probes;
  int rounds = 1;  // timed, after one that is not
  const Clock& clock;
};

absl::Status TimePasses(const TimingPlan& plan, int threads, std::barrier<>& together, ReplicaTimes& times) {
  MeasuredReplica replica(plan.clock);
  SLUICE_RETURN_IF_ERROR(replica.Prepare(plan.make_encoder, threads));
  const std::vector<ProbeTexts> probes = plan.make_probes(replica.description());
  for (const ProbeTexts& probe : probes) SLUICE_RETURN_IF_ERROR(replica.Encode(probe).status());
  for (int round = 0; round < plan.rounds; ++round) {
    std::vector<double>& seconds = times.seconds.emplace_back();
    for (const ProbeTexts& probe : probes) {
      together.arrive_and_wait();
      SLUICE_ASSIGN_OR_RETURN(seconds.emplace_back(), replica.Encode(probe));
    }
  }
  times.vectors = std::move(replica.vectors());
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ReplicaTimes>> TimeReplicas(const TimingPlan& plan, const Division& division) {
  std::vector<ReplicaTimes> all(static_cast<size_t>(division.replicas));
  std::barrier<> together(division.replicas);
  {
    std::vector<Thread> threads;
    for (int i = 0; i < division.replicas; ++i) {
      threads.emplace_back("calibrate", [&, i, times = &all[static_cast<size_t>(i)]] {
        times->status = TimePasses(plan, division.ThreadsOf(i), together, *times);
        together.arrive_and_drop();
      });
    }
  }
  for (const ReplicaTimes& times : all) SLUICE_RETURN_IF_ERROR(times.status);
  return all;
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

}  // namespace

ProbeTexts MakeProbe(const EncoderDescription& model, absl::Span<const int64_t> lengths) {
  std::mt19937 generator(20260115);
  ProbeTexts probe;
  for (const int64_t length : lengths) {
    std::vector<int32_t> text(static_cast<size_t>(std::min<int64_t>(length, model.max_tokens)));
    for (int32_t& id : text)
      id = static_cast<int32_t>(generator() % static_cast<uint32_t>(model.vocabulary_size));
    probe.push_back(std::move(text));
  }
  return probe;
}

ProbeTexts MixedProbe(const EncoderDescription& model) {
  return MakeProbe(model, {64, 128, 160, 192, 224, 256});
}

absl::StatusOr<ThroughputMeasurement> MeasureThroughput(const ReplicaMaker& make_encoder,
                                                        const Division& division, const ProbeTexts& probe,
                                                        const Clock& clock) {
  const TimingPlan plan = {make_encoder,
                           [&](const EncoderDescription&) { return std::vector<ProbeTexts>{probe}; },
                           kTimedPasses, clock};
  SLUICE_ASSIGN_OR_RETURN(std::vector<ReplicaTimes> replicas, TimeReplicas(plan, division));
  ThroughputMeasurement measurement{.vectors = std::move(replicas[0].vectors)};
  const double tokens = division.replicas * static_cast<double>(CountTokens(probe));
  for (size_t pass = 0; pass < kTimedPasses; ++pass) {
    double slowest = kLeastSeconds;
    for (const ReplicaTimes& times : replicas) slowest = std::max(slowest, times.seconds[pass][0]);
    measurement.tokens_per_second = std::max(measurement.tokens_per_second, tokens / slowest);
  }
  return measurement;
}

std::vector<PassShape> SpreadOfPasses(int64_t max_text_tokens, const MicroBatchLimits& limits,
                                      double tokens_per_second, double seconds) {
  std::vector<PassShape> shapes;
  for (const int64_t length : {8, 32, 128, 256, 512}) {
    const int64_t text_tokens = std::clamp<int64_t>(length, 2, max_text_tokens);
    const int64_t most = std::clamp<int64_t>(limits.max_tokens / text_tokens, 1, limits.max_jobs);
    for (const int64_t texts : {int64_t{1}, (most + 2) / 3, most}) {
      const PassShape shape = {static_cast<int>(texts), text_tokens};
      if (std::find(shapes.begin(), shapes.end(), shape) == shapes.end()) shapes.push_back(shape);
    }
  }
  std::stable_sort(shapes.begin(), shapes.end(),
                   [](const PassShape& a, const PassShape& b) { return a.tokens() < b.tokens(); });
  double tokens = 0;
  size_t kept = 0;
  for (; kept < shapes.size(); ++kept) {
    tokens += static_cast<double>(shapes[kept].tokens());
    if (kept >= kLeastShapes && tokens > tokens_per_second * seconds) break;
  }
  shapes.resize(kept);
  return shapes;
}

absl::StatusOr<std::vector<double>> MeasurePasses(const ReplicaMaker& make_encoder, const Division& division,
                                                  absl::Span<const std::vector<int64_t>> passes, int rounds,
                                                  const Clock& clock) {
  const auto make_probes = [&](const EncoderDescription& model) {
    std::vector<ProbeTexts> probes;
    for (const std::vector<int64_t>& lengths : passes) probes.push_back(MakeProbe(model, lengths));
    return probes;
  };
  SLUICE_ASSIGN_OR_RETURN(const std::vector<ReplicaTimes> replicas,
                          TimeReplicas({make_encoder, make_probes, rounds, clock}, division));
  std::vector<double> seconds(passes.size());
  for (size_t i = 0; i < passes.size(); ++i) {
    for (const ReplicaTimes& times : replicas) {
      double least = times.seconds[0][i];
      for (const std::vector<double>& round : times.seconds) least = std::min(least, round[i]);
      seconds[i] += least / static_cast<double>(replicas.size());
    }
  }
  return seconds;
}

absl::StatusOr<std::vector<CurvePoint>> MeasureCurve(const ReplicaMaker& make_encoder,
                                                     const Division& division,
                                                     absl::Span<const PassShape> shapes, int rounds,
                                                     const Clock& clock) {
  std::vector<std::vector<int64_t>> passes;
  for (const PassShape& shape : shapes)
    passes.emplace_back(static_cast<size_t>(shape.texts), shape.text_tokens);
  SLUICE_ASSIGN_OR_RETURN(const std::vector<double> seconds,
                          MeasurePasses(make_encoder, division, passes, rounds, clock));
  std::vector<CurvePoint> points;
  for (size_t i = 0; i < shapes.size(); ++i) {
    points.push_back(
        {.tokens = shapes[i].tokens(), .text_tokens = shapes[i].text_tokens, .seconds = seconds[i]});
  }
  return points;
}

PassSize SizeOf(const EncoderDescription& encoder, const PassShape& shape) {
  PassSize size;
  for (int i = 0; i < shape.texts; ++i) size.Add(shape.text_tokens);
  if (encoder.pads_to_ladder) size.tokens = RowsOnLadder(size.tokens);
  return size;
}

double LeastCosine(absl::Span<const float> a, absl::Span<const float> b, int dimensions) {
  const auto size = static_cast<size_t>(dimensions);
  if (a.size() != b.size() || a.empty()) return 0;
  double least = 1;
  for (size_t begin = 0; begin < a.size(); begin += size)
    least = std::min(least, Cosine(a.subspan(begin, size), b.subspan(begin, size)));
  return least;
}

}  // namespace sluice
