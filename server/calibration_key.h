// What a start knows of that a calibration depends on; the encoder source adds the model and its own parts.
#pragma once

#include <string>

#include "core/hardware/hardware.h"
#include "core/inference/calibration_file.h"
#include "server/encoder_source.h"

namespace sluice {

// `request.tier` as chosen before anything was measured. Pure.
CalibrationKey KeyOfStart(const std::string& version, const Hardware& hardware,
                          const EncoderRequest& request);

}  // namespace sluice
