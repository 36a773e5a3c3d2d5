// `sluiced --self-test`: every device and precision of this machine against fp32 on its processor.
#pragma once

#include <ostream>

#include "absl/status/statusor.h"
#include "core/hardware/hardware.h"
#include "server/config/config.h"
#include "server/encoder_source.h"

namespace sluice {

// Prints what it runs on and a table, and says whether the test passed. Blocks while it measures. Errors as
// EncoderSource::SelfTest, with reason MODEL_UNUSABLE.
absl::StatusOr<bool> RunSelfTest(const Config& config, const Hardware& hardware, EncoderSource& source,
                                 std::ostream& out);

}  // namespace sluice
