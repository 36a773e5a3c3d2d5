// Which tier a server takes by what its encoder was measured to do. Needs a model directory for its
// tokenizer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/application.h"
#include "tests/contract/scratch_directory.h"
#include "tests/fakes/fake_encoder.h"

namespace sluice {
namespace {

// Is measured as fast as `rates` says, one after another, the last one for ever.
class MeasuredSource final : public EncoderSource {
 public:
  explicit MeasuredSource(std::vector<double> rates) : rates_(std::move(rates)) {}

  std::vector<ComputeDevice> Devices() const override { return {}; }
  std::map<std::string, std::string> Libraries() const override { return {}; }
  absl::StatusOr<EncoderPlan> Plan(const EncoderRequest& request) override {
    const FakeEncoderOptions options{.max_tokens = 256, .vocabulary_size = 1 << 20};
    EncoderPlan plan{.model = FakeEncoder(options).description(),
                     .tier = request.tier,
                     .calibration = {.tokens_per_second = rates_[std::min(plans, rates_.size() - 1)]}};
    remembering.push_back(!request.memory.measure_anew);
    plan.replicas.push_back(
        {"cpu-0", [options] { return std::make_unique<FakeEncoder>(options); }, {2048, 6}});
    ++plans;
    return plan;
  }
  absl::StatusOr<std::vector<SelfTestRow>> SelfTest(const EncoderRequest&) override {
    return std::vector<SelfTestRow>();
  }

  size_t plans = 0;
  std::vector<bool> remembering;  // whether a plan might have taken what is remembered

 private:
  const std::vector<double> rates_;
};

class ModelStartTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* model = std::getenv("SLUICE_MODEL");
    if (model == nullptr || !std::filesystem::exists(absl::StrCat(model, "/tokenizer.json")))
      GTEST_SKIP() << "SLUICE_MODEL names no model directory";
    config_.model = model;
    config_.listen = "127.0.0.1:0";
    config_.admin = "127.0.0.1:0";
    config_.data = directory_.path();
  }

  // 256 tokens are a posting, and five postings a second the least.
  size_t PlansUntilStarted(std::vector<double> tokens_per_second) {
    MeasuredSource source(std::move(tokens_per_second));
    const auto started = Application::Start(config_, source, Clock::Real());
    EXPECT_TRUE(started.ok()) << started.status();
    return source.plans;
  }

  const ScratchDirectory directory_;
  Config config_;
};

TEST_F(ModelStartTest, MeasuresOnceWhereTheEncoderIsFastEnough) {
  EXPECT_EQ(PlansUntilStarted({5 * 256}), 1u);
}

// A start beside other work must not leave a server without its model.
TEST_F(ModelStartTest, MeasuresAgainBeforeItGivesTheModelUp) {
  EXPECT_EQ(PlansUntilStarted({100, 100, 5 * 256}), 3u);
}

// What is remembered may be from a busy moment: it must not take a server's model away.
TEST_F(ModelStartTest, DoesNotTrustARememberedRateThatIsTooSlow) {
  MeasuredSource source({100, 5 * 256});
  ASSERT_TRUE(Application::Start(config_, source, Clock::Real()).ok());
  EXPECT_THAT(source.remembering, testing::ElementsAre(true, false));
}

TEST_F(ModelStartTest, MeasuresAnewWhereAskedTo) {
  config_.measure_anew = true;
  MeasuredSource source({5 * 256});
  ASSERT_TRUE(Application::Start(config_, source, Clock::Real()).ok());
  EXPECT_THAT(source.remembering, testing::ElementsAre(false));
}

TEST_F(ModelStartTest, GivesTheModelUpAfterThreeSlowMeasurements) {
  EXPECT_EQ(PlansUntilStarted({100}), 3u);
}

}  // namespace
}  // namespace sluice
