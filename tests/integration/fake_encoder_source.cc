// For sluiced_with_fake_encoder: the real server, whose encoder is instant and needs only a tokenizer.json,
// so that it can be killed a hundred times in a minute and yet takes every step of a batch's life.
#include "server/encoder_source.h"
#include "tests/fakes/fake_encoder.h"

namespace sluice {
namespace {

constexpr FakeEncoderOptions kEncoder = {.dimensions = 384, .max_tokens = 256, .vocabulary_size = 1 << 20};

class FakeEncoderSource final : public EncoderSource {
 public:
  std::vector<ComputeDevice> Devices() const override { return {}; }

  absl::StatusOr<EncoderPlan> Plan(const EncoderRequest& request) override {
    EncoderPlan plan{.model = FakeEncoder(kEncoder).description(),
                     .tier = request.tier,
                     .calibration = {.tokens_per_second = 1e6, .reason = "a fake"}};
    plan.tier.replicas = 1;
    plan.replicas.push_back({"cpu-0",
                             [] { return std::make_unique<FakeEncoder>(kEncoder); },
                             {request.tier.max_batch_tokens, request.tier.max_batch_jobs}});
    return plan;
  }

  absl::StatusOr<std::vector<SelfTestRow>> SelfTest(const EncoderRequest& request) override {
    if (request.model_directory == "broken") return std::vector<SelfTestRow>{{"cpu", {.least_cosine = 0.5}}};
    return std::vector<SelfTestRow>{{"cpu", {.tokens_per_second = 1e6}}};
  }

  std::map<std::string, std::string> Libraries() const override { return {}; }
};

}  // namespace

std::unique_ptr<EncoderSource> MakeEncoderSource() {
  return std::make_unique<FakeEncoderSource>();
}

}  // namespace sluice
