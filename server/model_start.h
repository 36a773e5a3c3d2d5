// How a server comes by its model: loaded, measured, and given up where it is too slow to be of use.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/hardware/tier.h"
#include "server/encoder_source.h"
#include "server/model.h"

namespace sluice {

struct StartedModel {
  std::unique_ptr<Model> model;  // null in the emergency tier
  TierChoice tier;               // as the model was laid out, or why there is none
};

// Loads what `request` names unless its tier is the emergency one. A model that manages less than 5 postings
// a second is measured anew, twice at most (the machine may be busy with something else), and then the tier
// becomes the emergency one. Blocks for as long as loading and measuring take. Errors: as Model::Load.
absl::StatusOr<StartedModel> StartModel(EncoderRequest request, EncoderSource& source,
                                        const ModelParts& parts);

// Removes the calibration file if `model`'s micro-batches turned out not to be as fast as it says, so that
// the next start measures anew.
void ForgetAWrongCalibration(const Model& model, const std::string& calibration_file);

}  // namespace sluice
