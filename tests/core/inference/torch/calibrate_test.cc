// Calibration on a tiny model, where everything is fast: what counts is what was tried, and that it says so.
#include "core/inference/torch/calibrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/inference/cpu/int8_kernels.h"
#include "tests/core/inference/tiny_bert.h"
#include "tests/core/inference/torch/goldens.h"

namespace sluice {
namespace {

using testing::HasSubstr;
using testing::Not;

std::shared_ptr<const BertModelFiles> Load() {
  return LoadBertModelFiles(TinyBert().Write(TestDirectory("model"))).value();
}

TEST(Calibrate, MeasuresFp32AndComparesBf16) {
  const CalibratedEncoder encoder = CalibrateEncoder(Load(), {}).value();
  const EncoderCalibration& calibration = encoder.calibration;
  EXPECT_TRUE(encoder.make_encoder(1, false).ok());
  EXPECT_GT(calibration.tokens_per_second, 0);
  EXPECT_THAT(calibration.reason, HasSubstr("fp32: "));
  EXPECT_THAT(calibration.reason, HasSubstr("bf16: "));
  EXPECT_THAT(calibration.reason, HasSubstr("cosine to fp32 at least"));
}

// An emulated bf16 costs seconds of every start and never wins.
TEST(Calibrate, DoesNotTryBf16WithoutInstructionsForIt) {
  const EncoderCalibration calibration =
      CalibrateEncoder(Load(), {.bf16_instructions = false}).value().calibration;
  EXPECT_EQ(calibration.variant.precision, Precision::kFp32);
  EXPECT_THAT(calibration.reason, HasSubstr("bf16: the processor has no instructions for it"));
}

TEST(Calibrate, KeepsThePrecisionAskedFor) {
  const EncoderCalibration calibration =
      CalibrateEncoder(Load(), {.precision = Precision::kBf16}).value().calibration;
  EXPECT_EQ(calibration.variant.precision, Precision::kBf16);
  EXPECT_THAT(calibration.reason, HasSubstr("bf16 as asked for: "));
}

// Whichever division wins, it uses every thread and was measured against the other.
TEST(Calibrate, ComparesReplicasOfOneThreadWithOneOfAll) {
  const EncoderCalibration calibration =
      CalibrateEncoder(Load(), {.encoder = {.threads = 2}, .bf16_instructions = false, .may_divide = true})
          .value()
          .calibration;
  EXPECT_EQ(calibration.division.replicas * calibration.division.threads, 2);
  EXPECT_THAT(calibration.reason, HasSubstr("2 replicas of one thread: "));
}

TEST(Calibrate, LeavesAFixedNumberOfReplicasAlone) {
  const EncoderCalibration calibration =
      CalibrateEncoder(Load(), {.encoder = {.threads = 2}, .replicas = 3, .bf16_instructions = false})
          .value()
          .calibration;
  EXPECT_EQ(calibration.division.replicas, 3);
  EXPECT_EQ(calibration.division.threads, 2);
  EXPECT_THAT(calibration.reason, Not(HasSubstr("of one thread")));
}

// A pool has at most 64 replicas: what it could not hold is not tried.
TEST(Calibrate, DoesNotDivideIntoMoreReplicasThanAPoolHolds) {
  const EncoderCalibration calibration =
      CalibrateEncoder(
          Load(), {.encoder = {.threads = 13}, .replicas = 5, .bf16_instructions = false, .may_divide = true})
          .value()
          .calibration;
  EXPECT_EQ(calibration.division.replicas, 5);
  EXPECT_EQ(calibration.division.threads, 13);
}

// The tiny model is too narrow for int8; one of 64 is measured, on single threads, and agrees.
TEST(Calibrate, ComparesInt8WhereItsKernelsAreFast) {
  if (FastInt8Kernels().empty()) GTEST_SKIP() << "this processor has no fast int8 kernels";
  const CalibrationRequest request{.encoder = {.threads = 2}, .bf16_instructions = false, .may_divide = true};
  EXPECT_THAT(CalibrateEncoder(Load(), request).value().calibration.reason,
              HasSubstr("): int8 wants a hidden size that is a multiple of 64"));
  const TinyBert model(1, {.hidden = 64, .inner = 128});
  const auto files = LoadBertModelFiles(model.Write(TestDirectory("wide"))).value();
  CalibrationRequest int8 = request;
  int8.precision = Precision::kInt8;
  const CalibratedEncoder encoder = CalibrateEncoder(files, int8).value();
  const EncoderCalibration& calibration = encoder.calibration;
  EXPECT_EQ(calibration.variant.precision, Precision::kInt8);
  EXPECT_EQ(calibration.division.replicas, 2);
  EXPECT_EQ(calibration.division.threads, 1);
  EXPECT_EQ(encoder.make_encoder(1, true).value()->description().precision, Precision::kInt8);
  EXPECT_THAT(CalibrateEncoder(files, request).value().calibration.reason, HasSubstr("int8 ("));

  int8.replicas = 5;
  int8.encoder.threads = 13;
  EXPECT_EQ(CalibrateEncoder(files, int8).value().calibration.division.replicas, 64)
      << "as many single threads as a pool holds";
}

// What a start remembers is enough to make the same encoder again, without measuring.
TEST(Calibrate, TheVariantAloneMakesTheSameEncoder) {
  const auto files =
      LoadBertModelFiles(TinyBert(1, {.hidden = 64, .inner = 128}).Write(TestDirectory("wide"))).value();
  for (const EncoderVariant& variant : VariantsOf(DeviceType::kCpu)) {
    if (variant.precision == Precision::kInt8 && variant.kernels.empty()) continue;
    const ReplicaMaker make = MakeReplicas(files, {}, variant).value();
    EXPECT_EQ(make(1, false).value()->description().precision, variant.precision);
  }
  EXPECT_EQ(MakeReplicas(files, {}, {Precision::kInt8, "of another machine"}).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

// However fast the tiny model is, its passes have a price, and its curve is what that was fitted to.
TEST(Calibrate, FitsACostModel) {
  const EncoderCalibration calibration = CalibrateEncoder(Load(), {}).value().calibration;
  EXPECT_GE(calibration.curve.size(), 6u);
  EXPECT_GT(calibration.cost.Seconds({.tokens = 64, .squared_lengths = 64 * 64}), 0);
  EXPECT_THAT(calibration.reason, Not(HasSubstr("no cost model")));
}

TEST(Calibrate, NamesTheDeviceThatIsNotThere) {
  const auto calibration =
      CalibrateEncoder(Load(), {.encoder = {.device = DeviceType::kCuda, .device_index = 7}});
  EXPECT_EQ(calibration.status().code(), absl::StatusCode::kFailedPrecondition) << calibration.status();
}

}  // namespace
}  // namespace sluice
