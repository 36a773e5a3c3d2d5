// Countries of a location: a small gazetteer of countries, US states, Canadian provinces and large cities.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sluice {

// ISO 3166 alpha-2 codes that a location names, in its order, each once: "Austin, TX" → US, "Toronto, ON, CA"
// → CA, "Berlin or Vienna" → DE, AT. A country's name or a state counts before a city ("Dublin, OH" is in the
// US); a two-letter code that could be both state and country ("CA", "DE", "IN") goes with the city beside
// it, else it is the US state. Empty: none known.
std::vector<std::string> CountriesOf(absl::string_view location);

bool IsCountryCode(absl::string_view code);  // upper case, alpha-2

}  // namespace sluice
