// Company names without what does not tell companies apart. Pure.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

// Lower case, punctuation as spaces, legal forms at the end (Inc, GmbH & Co. KG, S.p.A.) and "the" in front
// taken off: "The Larkspur Holdings, Inc." → "larkspur holdings". A name of nothing but legal forms stays.
std::string NormalisedCompany(absl::string_view name);

}  // namespace sluice
