#include "core/inference/self_test.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace sluice {
namespace {

using testing::HasSubstr;

SelfTestRow Row(Precision precision, double least_cosine, absl::Status status = absl::OkStatus()) {
  return {"cuda:0",
          {.variant = {precision},
           .status = std::move(status),
           .tokens_per_second = 5000,
           .least_cosine = least_cosine}};
}

TEST(SelfTest, PassesWhereAllThatRunsAgrees) {
  const std::vector<SelfTestRow> rows = {Row(Precision::kFp32, 1), Row(Precision::kFp16, 0.9995),
                                         Row(Precision::kInt8, 0.993)};
  EXPECT_TRUE(SelfTestPassed(rows));
  EXPECT_THAT(SelfTestText(rows), HasSubstr("self-test passed"));
  EXPECT_THAT(SelfTestText(rows), HasSubstr("0.99950  agrees"));
}

TEST(SelfTest, FailsWhereOnePrecisionDiffers) {
  const std::vector<SelfTestRow> rows = {Row(Precision::kFp32, 1), Row(Precision::kFp16, 0.9985)};
  EXPECT_EQ(ResultOf(rows[1]), SelfTestResult::kDiffers);
  EXPECT_FALSE(SelfTestPassed(rows));
  EXPECT_THAT(SelfTestText(rows), HasSubstr("DIFFERS"));
  EXPECT_THAT(SelfTestText(rows), HasSubstr("self-test FAILED"));
}

TEST(SelfTest, FailsWhereADeviceFails) {
  const std::vector<SelfTestRow> rows = {Row(Precision::kFp32, 1),
                                         Row(Precision::kFp16, 0, absl::InternalError("kernel lost"))};
  EXPECT_FALSE(SelfTestPassed(rows));
  EXPECT_THAT(SelfTestText(rows), HasSubstr("FAILED: kernel lost"));
}

// A processor without the instructions for a precision is as it should be.
TEST(SelfTest, WhatTheMachineCannotDoIsNoFault) {
  const std::vector<SelfTestRow> rows = {
      Row(Precision::kFp32, 1), Row(Precision::kBf16, 0, absl::FailedPreconditionError("no instructions"))};
  EXPECT_TRUE(SelfTestPassed(rows));
  EXPECT_THAT(SelfTestText(rows), HasSubstr("not run: no instructions"));
}

// A test that tested nothing did not pass.
TEST(SelfTest, FailsWhereNothingRan) {
  EXPECT_FALSE(SelfTestPassed({}));
  const std::vector<SelfTestRow> rows = {Row(Precision::kFp32, 0, absl::UnimplementedError("no LibTorch"))};
  EXPECT_FALSE(SelfTestPassed(rows));
}

}  // namespace
}  // namespace sluice
