#include "core/screening/attributes/countries.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "core/screening/attributes/gazetteer.h"
#include "core/text/words.h"

namespace sluice {
namespace {

constexpr size_t kLongestName = 4;  // words

// One place of a location that may name several: the words between two of "/", ";", "|", "or", "and".
struct Place {
  std::vector<std::string> originals;
  std::vector<std::string> lowered;
};

std::vector<Place> PlacesOf(absl::string_view location) {
  const std::string lowered = LowerKeepingOffsets(location);
  std::vector<Place> places(1);
  int end_before = 0;
  for (const Word word : TermWords(lowered)) {
    const absl::string_view text = WordIn(lowered, word);
    const absl::string_view gap = absl::string_view(lowered).substr(end_before, word.begin - end_before);
    end_before = word.end;
    const bool separates = text == "/" || text == "or" || text == "and";
    // An upper-case OR is the state of Oregon.
    const bool is_state = WordIn(location, word) == "OR" && gap.find(',') != absl::string_view::npos;
    if ((separates && !is_state) || gap.find_first_of(";|") != absl::string_view::npos) places.emplace_back();
    if (separates && !is_state) continue;
    places.back().originals.emplace_back(WordIn(location, word));
    places.back().lowered.emplace_back(text);
  }
  return places;
}

struct Findings {
  std::string country;             // by name
  std::string state;               // the country of a state or province that can be nothing else
  std::vector<std::string> codes;  // a two-letter word's readings
  std::string city;                // the country of a city
};

void ReadCode(const std::string& original, Findings* findings) {
  const bool code = original.size() == 2 && absl::ascii_isupper(static_cast<unsigned char>(original[0])) &&
                    absl::ascii_isupper(static_cast<unsigned char>(original[1]));
  if (!code) return;
  const std::string state = CountryOfStateCode(original);
  const bool country = IsCountryCode(original);
  if (!state.empty() && !country) findings->state = state;
  if (state.empty() && country) findings->country = original;
  if (!state.empty() && country) findings->codes = {state, original};
}

Findings Read(const Place& place) {
  Findings findings;
  for (size_t at = 0; at < place.lowered.size();) {
    size_t taken = 0;
    for (size_t n = std::min(kLongestName, place.lowered.size() - at); n > 0 && taken == 0; --n) {
      const std::string name = absl::StrJoin(place.lowered.begin() + at, place.lowered.begin() + at + n, " ");
      const GazetteerEntry* entry = FindPlace(name);
      if (entry == nullptr) continue;
      taken = n;
      if (entry->kind == PlaceKind::kCountry) findings.country = entry->country;
      if (entry->kind == PlaceKind::kState) findings.state = entry->country;
      if (entry->kind == PlaceKind::kCity && findings.city.empty()) findings.city = entry->country;
      if (entry->kind == PlaceKind::kStateOrCountry) findings.codes = {entry->country, entry->other};
    }
    if (taken == 0) ReadCode(place.originals[at], &findings);
    at += std::max<size_t>(taken, 1);
  }
  return findings;
}

std::string Resolve(const Findings& findings) {
  if (!findings.country.empty()) return findings.country;
  if (!findings.codes.empty()) {
    // "Toronto, ON, CA": the province settles what CA is.
    const auto reads_as = [&](const std::string& country) {
      return std::find(findings.codes.begin(), findings.codes.end(), country) != findings.codes.end();
    };
    if (!findings.state.empty() && reads_as(findings.state)) return findings.state;
    if (!findings.city.empty() && reads_as(findings.city)) return findings.city;
    if (findings.state.empty()) return findings.codes.front();
  }
  return !findings.state.empty() ? findings.state : findings.city;
}

}  // namespace

std::vector<std::string> CountriesOf(absl::string_view location) {
  std::vector<std::string> countries;
  for (const Place& place : PlacesOf(location)) {
    const std::string country = Resolve(Read(place));
    if (country.empty() || std::find(countries.begin(), countries.end(), country) != countries.end())
      continue;
    countries.push_back(country);
  }
  return countries;
}

}  // namespace sluice
