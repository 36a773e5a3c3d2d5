// The choice among variants, on made-up measurements.
#include "core/inference/calibration_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using testing::HasSubstr;
using testing::Not;

VariantMeasurement Measured(Precision precision, double tokens_per_second, double least_cosine = 1) {
  return {.variant = {precision, precision == Precision::kInt8 ? "avx" : ""},
          .tokens_per_second = tokens_per_second,
          .least_cosine = least_cosine};
}

TEST(CalibrationChoice, TakesTheFasterThatAgrees) {
  const VariantMeasurement fp32 = Measured(Precision::kFp32, 1000);
  EXPECT_TRUE(TakesThePlaceOf(Measured(Precision::kBf16, 1500, 0.9995), fp32));
  EXPECT_FALSE(TakesThePlaceOf(Measured(Precision::kBf16, 900, 0.9995), fp32));
}

// Speed never buys vectors that rank differently.
TEST(CalibrationChoice, RefusesVectorsThatDoNotAgree) {
  const VariantMeasurement fp32 = Measured(Precision::kFp32, 1000);
  EXPECT_FALSE(TakesThePlaceOf(Measured(Precision::kBf16, 9000, 0.9985), fp32));
  EXPECT_FALSE(TakesThePlaceOf(Measured(Precision::kFp16, 9000, 0.9985), fp32));
  EXPECT_TRUE(TakesThePlaceOf(Measured(Precision::kInt8, 9000, 0.9905), fp32));
  EXPECT_FALSE(TakesThePlaceOf(Measured(Precision::kInt8, 9000, 0.9895), fp32));
}

// Two starts on one machine must not differ because of noise.
TEST(CalibrationChoice, AGainWithinTheNoiseDoesNotDecide) {
  const VariantMeasurement fp32 = Measured(Precision::kFp32, 1000);
  EXPECT_FALSE(TakesThePlaceOf(Measured(Precision::kInt8, 1099), fp32));
  EXPECT_TRUE(TakesThePlaceOf(Measured(Precision::kInt8, 1101), fp32));
  EXPECT_FALSE(IsWorthDividing(1000, 1049));
  EXPECT_TRUE(IsWorthDividing(1000, 1051));
}

TEST(CalibrationChoice, WhatCouldNotBeMeasuredIsNotTaken) {
  VariantMeasurement broken = Measured(Precision::kInt8, 9000);
  broken.status = absl::FailedPreconditionError("no such instructions");
  EXPECT_FALSE(Agrees(broken));
  EXPECT_FALSE(TakesThePlaceOf(broken, Measured(Precision::kFp32, 1)));
  EXPECT_EQ(MeasurementText(broken), "int8 (avx): no such instructions");
}

TEST(CalibrationChoice, SaysWhatWasMeasured) {
  VariantMeasurement int8 = Measured(Precision::kInt8, 31000.4, 0.99672);
  int8.division = {.replicas = 2, .threads = 1};
  EXPECT_EQ(MeasurementText(int8),
            "int8 (avx): 31000 tokens/s (2 x 1 threads), cosine to fp32 at least 0.99672");
  EXPECT_THAT(MeasurementText(Measured(Precision::kFp32, 1000)), Not(HasSubstr("cosine")));
  int8.division = {.replicas = 11, .threads = 5, .wider = 9};
  EXPECT_THAT(MeasurementText(int8), HasSubstr("(11 x 5 threads, 9 with one more)"));
}

TEST(Division, SpreadsTheThreadsThatAreLeftOver) {
  const Division division = {.replicas = 11, .threads = 5, .wider = 9};
  EXPECT_EQ(division.AllThreads(), 64);
  EXPECT_EQ(division.ThreadsOf(8), 6);
  EXPECT_EQ(division.ThreadsOf(9), 5);
}

// A micro-batch of few tokens gets less out of a device than the 1,024 that the rate was measured on.
TEST(EncoderCalibration, RateComesFromTheCostModelWhereThereIsOne) {
  EncoderCalibration calibration{.division = {.replicas = 2}, .tokens_per_second = 5000};
  EXPECT_EQ(TokensPerSecondIn(calibration, 1, 100), 5000);
  calibration.cost = {.seconds_per_pass = 0.01, .seconds_per_token = 1e-4, .seconds_per_squared_token = 1e-6};
  EXPECT_NEAR(TokensPerSecondIn(calibration, 1, 100), 2 * 100 / 0.03, 1e-6);
  EXPECT_NEAR(TokensPerSecondIn(calibration, 4, 100), 2 * 400 / 0.09, 1e-6);
}

}  // namespace
}  // namespace sluice
