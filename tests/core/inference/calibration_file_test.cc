// A remembered calibration is the one that was measured, or none: never a wrong one, and never an error.
#include "core/inference/calibration_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "tests/contract/scratch_directory.h"

namespace sluice {
namespace {

using testing::HasSubstr;

const CalibrationKey kKey = {{"model", "abc"}, {"cores", "2"}};

EncoderCalibration Measured() {
  return {.variant = {Precision::kInt8, "avx512-vnni"},
          .division = {.replicas = 3, .threads = 2, .wider = 1},
          .tokens_per_second = 12345.5,
          .cost = {.seconds_per_pass = 1e-4, .seconds_per_token = 3e-5, .seconds_per_squared_token = 4.25e-8},
          .curve = {{.tokens = 8, .text_tokens = 8, .seconds = 1.5e-3},
                    {.tokens = 2048, .text_tokens = 256, .seconds = 0.1}},
          .reason = "fp32: 1 tokens/s; int8: \"2\""};
}

class CalibrationFileTest : public testing::Test {
 protected:
  std::string Contents() const {
    std::ifstream file(path_);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  void Overwrite(const std::string& text) const { std::ofstream(path_, std::ios::trunc) << text; }

  const ScratchDirectory directory_;
  const std::string path_ = directory_.File("calibration.json");
};

TEST_F(CalibrationFileTest, GivesBackWhatWasWritten) {
  ASSERT_TRUE(WriteCalibration(path_, kKey, Measured()).ok());
  const EncoderCalibration read = ReadCalibration(path_, kKey).value();
  const EncoderCalibration expected = Measured();
  EXPECT_EQ(read.variant, expected.variant);
  EXPECT_EQ(read.division, expected.division);
  EXPECT_EQ(read.tokens_per_second, expected.tokens_per_second);
  EXPECT_EQ(read.cost.seconds_per_pass, expected.cost.seconds_per_pass);
  EXPECT_EQ(read.cost.seconds_per_token, expected.cost.seconds_per_token);
  EXPECT_EQ(read.cost.seconds_per_squared_token, expected.cost.seconds_per_squared_token);
  EXPECT_EQ(read.curve, expected.curve);
  EXPECT_EQ(read.reason, expected.reason);
  EXPECT_TRUE(read.remembered);
}

TEST_F(CalibrationFileTest, ReplacesWhatWasThereAndLeavesNothingBeside) {
  Overwrite("something");
  ASSERT_TRUE(WriteCalibration(path_, kKey, Measured()).ok());
  EXPECT_TRUE(ReadCalibration(path_, kKey).ok());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_.path()), {}), 1);
}

// Another machine, model or wish: measured anew, and the reason says what changed.
TEST_F(CalibrationFileTest, IsOfNoUseToAnotherKey) {
  ASSERT_TRUE(WriteCalibration(path_, kKey, Measured()).ok());
  const absl::Status other = ReadCalibration(path_, {{"model", "abc"}, {"cores", "4"}}).status();
  EXPECT_EQ(other.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(other.message(), HasSubstr("cores was '2' and is '4'"));
  EXPECT_EQ(ReadCalibration(path_, {{"model", "abc"}}).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReadCalibration(path_, {{"model", "abc"}, {"cores", "2"}, {"new", ""}}).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(CalibrationFileTest, SaysThatThereIsNone) {
  EXPECT_EQ(ReadCalibration(path_, kKey).status().code(), absl::StatusCode::kNotFound);
}

// Cut anywhere, as by a full disk, it is damaged, and reading it neither fails nor succeeds by chance.
TEST_F(CalibrationFileTest, EveryShorterFileIsDamaged) {
  ASSERT_TRUE(WriteCalibration(path_, kKey, Measured()).ok());
  const std::string whole = Contents();
  for (size_t size = 0; size + 2 < whole.size(); ++size) {
    Overwrite(whole.substr(0, size));
    EXPECT_EQ(ReadCalibration(path_, kKey).status().code(), absl::StatusCode::kInvalidArgument) << size;
  }
}

TEST_F(CalibrationFileTest, EveryValueIsChecked) {
  ASSERT_TRUE(WriteCalibration(path_, kKey, Measured()).ok());
  const std::string whole = Contents();
  const std::pair<const char*, const char*> damages[] = {{"\"format\": 1", "\"format\": 2"},
                                                         {"\"int8\"", "\"int7\""},
                                                         {"\"replicas\": 3", "\"replicas\": 0"},
                                                         {"\"replicas\": 3", "\"replicas\": 65"},
                                                         {"\"replicas\": 3", "\"replicas\": 2.5"},
                                                         {"\"threads\": 2", "\"threads\": \"2\""},
                                                         {"\"wider_replicas\": 1", "\"wider_replicas\": 3"},
                                                         {"12345.5", "-1"},
                                                         {"\"seconds\": 0.1", "\"seconds\": null"},
                                                         {"\"curve\": [", "\"curve\": 7, \"other\": ["},
                                                         {"\"reason\"", "\"raison\""},
                                                         {"\"cores\": \"2\"", "\"cores\": 2"}};
  for (const auto& [good, bad] : damages) {
    std::string text = whole;
    const size_t at = text.find(good);
    ASSERT_NE(at, std::string::npos) << good;
    Overwrite(text.replace(at, std::string(good).size(), bad));
    EXPECT_FALSE(ReadCalibration(path_, kKey).ok()) << bad;
  }
}

// A rate that is no number is not written as one that looks like it.
TEST_F(CalibrationFileTest, DoesNotRememberWhatIsNotFinite) {
  EncoderCalibration broken = Measured();
  broken.tokens_per_second = std::numeric_limits<double>::infinity();
  ASSERT_TRUE(WriteCalibration(path_, kKey, broken).ok());
  EXPECT_EQ(ReadCalibration(path_, kKey).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(CalibrationFileTest, NamesTheFileThatCannotBeWritten) {
  const absl::Status status = WriteCalibration(directory_.File("none/calibration.json"), kKey, Measured());
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("/none/calibration.json"));
}

TEST_F(CalibrationFileTest, RecallsWhatItRemembered) {
  const CalibrationMemory memory = {.path = path_, .key = kKey};
  EXPECT_FALSE(Recall(memory).has_value()) << "nothing yet";
  Remember(memory, Measured());
  ASSERT_TRUE(Recall(memory).has_value());
  EXPECT_EQ(Recall(memory)->variant, Measured().variant);
  EXPECT_FALSE(Recall({.path = path_, .key = {{"model", "other"}}}).has_value());
  EXPECT_FALSE(Recall({.path = path_, .key = kKey, .measure_anew = true}).has_value());
  Overwrite("{");
  EXPECT_FALSE(Recall(memory).has_value());
}

TEST_F(CalibrationFileTest, WithoutAPathNothingIsRemembered) {
  Remember({}, Measured());
  EXPECT_FALSE(Recall({}).has_value());
}

}  // namespace
}  // namespace sluice
