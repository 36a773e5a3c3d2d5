// The gazetteer's entries: data for countries.h.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

enum class PlaceKind { kCountry, kState, kCity, kStateOrCountry };

struct GazetteerEntry {
  const char* name;  // lower case, words with one space between
  PlaceKind kind;
  const char* country;     // ISO 3166 alpha-2
  const char* other = "";  // of kStateOrCountry: the other reading
};

const GazetteerEntry* FindPlace(absl::string_view name);  // nullptr: not in it

// "TX" → "US", "ON" → "CA"; "" when it is no US state or Canadian province.
std::string CountryOfStateCode(absl::string_view code);

}  // namespace sluice
