// The fake encoder keeps the contract that the pool's tests rely on.
#include "tests/contract/encoder_contract.h"

#include "tests/fakes/fake_encoder.h"

namespace sluice {

INSTANTIATE_TEST_SUITE_P(Fake, EncoderContract,
                         testing::Values(EncoderUnderTest{
                             .name = "fake", .make = [] { return std::make_unique<FakeEncoder>(); }}),
                         [](const auto& test) { return test.param.name; });

}  // namespace sluice
