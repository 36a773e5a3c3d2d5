// `sluiced --self-test` on made-up sources: what it asks of them, prints, and makes of the answer.
#include "server/self_test.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "core/base/error_details.h"

namespace sluice {
namespace {

using testing::HasSubstr;

class TestedSource final : public EncoderSource {
 public:
  explicit TestedSource(absl::StatusOr<std::vector<SelfTestRow>> rows) : rows_(std::move(rows)) {}

  std::vector<ComputeDevice> Devices() const override { return {}; }
  std::map<std::string, std::string> Libraries() const override { return {}; }
  absl::StatusOr<EncoderPlan> Plan(const EncoderRequest&) override {
    return absl::UnimplementedError("not asked for");
  }
  absl::StatusOr<std::vector<SelfTestRow>> SelfTest(const EncoderRequest& request) override {
    asked = request;
    return rows_;
  }

  EncoderRequest asked;

 private:
  const absl::StatusOr<std::vector<SelfTestRow>> rows_;
};

const Hardware kHardware = {.cores = 8, .processor = "a processor", .features = {"avx2"}};

Config TestOf(const std::string& model) {
  Config config;
  config.model = model;
  config.tier.device = DeviceRequest::kAuto;
  return config;
}

TEST(RunSelfTest, TestsTheModelOnAllCoresAndSaysHowItWent) {
  TestedSource source(std::vector<SelfTestRow>{{"cpu", {.tokens_per_second = 1234}}});
  std::ostringstream out;
  EXPECT_TRUE(RunSelfTest(TestOf("some/model"), kHardware, source, out).value());
  EXPECT_EQ(source.asked.model_directory, "some/model");
  EXPECT_EQ(ThreadsOfAllReplicas(source.asked.tier), 8);
  EXPECT_FALSE(source.asked.bf16_instructions);
  EXPECT_THAT(out.str(), HasSubstr("a processor, 8 cores, avx2\n"));
  EXPECT_THAT(out.str(), HasSubstr("1234"));
  EXPECT_THAT(out.str(), HasSubstr("self-test passed"));
}

TEST(RunSelfTest, FailsWhereAVectorDiffers) {
  TestedSource source(std::vector<SelfTestRow>{{"cpu", {}}, {"cuda:0", {.least_cosine = 0.5}}});
  std::ostringstream out;
  EXPECT_FALSE(RunSelfTest(TestOf("some/model"), kHardware, source, out).value());
  EXPECT_THAT(out.str(), HasSubstr("DIFFERS"));
}

TEST(RunSelfTest, SaysThatTheModelIsOfNoUse) {
  TestedSource source(absl::NotFoundError("some/model: no such directory"));
  std::ostringstream out;
  const absl::Status status = RunSelfTest(TestOf("some/model"), kHardware, source, out).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(status), "MODEL_UNUSABLE");
}

}  // namespace
}  // namespace sluice
