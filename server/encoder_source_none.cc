#include "server/encoder_source.h"

namespace sluice {
namespace {

class NoEncoderSource final : public EncoderSource {
 public:
  std::vector<ComputeDevice> Devices() const override { return {}; }
  absl::StatusOr<EncoderPlan> Plan(const EncoderRequest& /*request*/) override { return NoEncoder(); }
  absl::StatusOr<std::vector<SelfTestRow>> SelfTest(const EncoderRequest& /*request*/) override {
    return NoEncoder();
  }
  std::map<std::string, std::string> Libraries() const override { return {}; }

 private:
  static absl::Status NoEncoder() {
    return absl::UnimplementedError(
        "this sluiced was built without an encoder (SLUICE_WITH_TORCH=OFF): start it with --device=none");
  }
};

}  // namespace

std::unique_ptr<EncoderSource> MakeEncoderSource() {
  return std::make_unique<NoEncoderSource>();
}

}  // namespace sluice
