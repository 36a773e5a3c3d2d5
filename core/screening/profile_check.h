// Checks a profile apart from its conditions. Pure.
#pragma once

#include <vector>

#include "core/base/error_details.h"
#include "core/screening/profile.h"
#include "core/screening/screener.h"

namespace sluice {

// Every violation, with field paths as in the proto's Profile; conditions are checked where they are
// compiled.
std::vector<FieldViolation> CheckProfile(const Profile& profile, const ProfileLimits& limits);

}  // namespace sluice
