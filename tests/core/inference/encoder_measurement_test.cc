#include "core/inference/encoder_measurement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "tests/fakes/fake_encoder.h"

namespace sluice {
namespace {

ReplicaMaker Fakes(const FakeEncoderOptions& options, std::atomic<int>* threads = nullptr) {
  return [options, threads](int replica_threads, bool) -> absl::StatusOr<std::unique_ptr<Encoder>> {
    if (threads != nullptr) *threads += replica_threads;
    return std::make_unique<FakeEncoder>(options);
  };
}

TEST(Probe, IsTheSameEveryTimeAndWithinTheModel) {
  const FakeEncoder encoder({.max_tokens = 100, .vocabulary_size = 50});
  const ProbeTexts probe = MixedProbe(encoder.description());
  EXPECT_EQ(probe, MixedProbe(encoder.description()));
  ASSERT_EQ(probe.size(), 6u);
  EXPECT_EQ(probe[0].size(), 64u);
  EXPECT_EQ(probe[5].size(), 100u) << "no longer than the model takes";
  for (const auto& text : probe) EXPECT_THAT(text, testing::Each(testing::Lt(50)));
}

// Every replica gets its threads, makes its own encoder, and runs the untimed pass and three timed ones.
TEST(MeasureThroughput, RunsEveryReplica) {
  std::atomic<int> passes{0}, alive{0}, threads{0};
  const ReplicaMaker make = Fakes({.passes = &passes, .alive = &alive}, &threads);
  const Division division = {.replicas = 3, .threads = 2, .wider = 1};
  const ProbeTexts probe = MixedProbe(FakeEncoder().description());
  const ThroughputMeasurement measured = MeasureThroughput(make, division, probe, Clock::Real()).value();
  EXPECT_GT(measured.tokens_per_second, 0);
  EXPECT_EQ(measured.vectors.size(), probe.size() * 8);
  EXPECT_EQ(passes, 3 * 4);
  EXPECT_EQ(threads, 7);
  EXPECT_EQ(alive, 0);
}

// One replica that fails must neither hang the others, which wait for it at every pass, nor be forgotten.
TEST(MeasureThroughput, EndsWhereAReplicaFails) {
  std::atomic<int> made{0};
  const ReplicaMaker second_fails = [&](int, bool) -> absl::StatusOr<std::unique_ptr<Encoder>> {
    if (++made == 2) return absl::FailedPreconditionError("no memory for a second one");
    return std::make_unique<FakeEncoder>();
  };
  const ProbeTexts probe = MixedProbe(FakeEncoder().description());
  const auto measured = MeasureThroughput(second_fails, {.replicas = 4}, probe, Clock::Real());
  EXPECT_EQ(measured.status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(MeasureCurve, HasAPointForEachShape) {
  std::atomic<int> passes{0};
  const std::vector<PassShape> shapes = {{1, 8}, {4, 16}, {2, 64}};
  const auto points =
      MeasureCurve(Fakes({.passes = &passes}), {.replicas = 2}, shapes, 3, Clock::Real()).value();
  ASSERT_EQ(points.size(), 3u);
  EXPECT_EQ(points[1].tokens, 64);
  EXPECT_EQ(points[1].text_tokens, 16);
  for (const CurvePoint& point : points) EXPECT_GT(point.seconds, 0);
  EXPECT_EQ(passes, 2 * 3 * (1 + 3)) << "replicas, shapes, rounds and one that is not timed";
}

TEST(MeasureCurve, FailsWhereAPassFails) {
  const auto points =
      MeasureCurve(Fakes({.max_jobs_in_memory = 3}), {.replicas = 2}, {{{1, 8}, {4, 8}}}, 1, Clock::Real());
  EXPECT_EQ(points.status().code(), absl::StatusCode::kResourceExhausted);
}

// Small and large, short and long, within the limits, and enough to tell the terms of a cost model apart.
TEST(SpreadOfPasses, GoesFromOneShortTextToAFullBatchOfLongOnes) {
  const std::vector<PassShape> shapes = SpreadOfPasses(256, {.max_tokens = 2048, .max_jobs = 8}, 1e6, 1);
  EXPECT_EQ(shapes.front(), (PassShape{1, 8}));
  EXPECT_EQ(shapes.back().tokens(), 2048);
  EXPECT_THAT(shapes, testing::Contains(PassShape{1, 256}));
  EXPECT_THAT(shapes, testing::Contains(PassShape{8, 256}));
  for (const PassShape& shape : shapes) {
    EXPECT_LE(shape.text_tokens, 256);
    EXPECT_LE(shape.texts, 8);
  }
}

// On a slow machine the spread gets shorter, not the start longer; but a model still needs three terms.
TEST(SpreadOfPasses, KeepsWithinItsTime) {
  double seconds = 0;
  for (const PassShape& shape : SpreadOfPasses(256, {.max_tokens = 2048, .max_jobs = 6}, 10000, 0.25))
    seconds += static_cast<double>(shape.tokens()) / 10000;
  EXPECT_LE(seconds, 0.25);
  const std::vector<PassShape> least = SpreadOfPasses(256, {.max_tokens = 2048, .max_jobs = 6}, 1, 0.25);
  EXPECT_EQ(least.size(), 6u);
  std::vector<CostSample> samples;
  const CostModel truth{1e-3, 1e-4, 1e-7};
  for (const PassShape& shape : least) {
    const PassSize size = SizeOf(FakeEncoder().description(), shape);
    samples.push_back({size, truth.Seconds(size)});
  }
  EXPECT_TRUE(FitCostModel(samples).ok());
}

// A pass over 3 texts of 30 tokens has 128 rows where the encoder pads, and 90 where it does not.
TEST(SizeOf, CountsThePadding) {
  EncoderDescription encoder;
  EXPECT_EQ(SizeOf(encoder, {3, 30}).tokens, 128);
  EXPECT_EQ(SizeOf(encoder, {3, 30}).squared_lengths, 2700);
  encoder.pads_to_ladder = false;
  EXPECT_EQ(SizeOf(encoder, {3, 30}).tokens, 90);
}

TEST(LeastCosine, IsThatOfTheWorstText) {
  const std::vector<float> a = {1, 0, 0, 1}, b = {1, 0, 1, 1}, none = {0, 0, 1, 1};
  EXPECT_NEAR(LeastCosine(a, b, 2), 0.70710678, 1e-6);
  EXPECT_NEAR(LeastCosine(a, a, 2), 1, 1e-9);
  EXPECT_EQ(LeastCosine(a, none, 2), 0);
}

}  // namespace
}  // namespace sluice
