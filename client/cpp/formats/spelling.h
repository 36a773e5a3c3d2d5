// Spelling: which known name a person probably meant.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sluice {

// "; did you mean 'location'?" when a candidate is within two edits (one for short names), else "". Case, '-'
// and ' ' do not count.
std::string DidYouMean(absl::string_view name, const std::vector<absl::string_view>& candidates);

}  // namespace sluice
