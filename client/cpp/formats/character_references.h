// Character references of HTML ("&amp;", "&uuml;", "&#8217;") in text that is no HTML: titles, company names
// and places are full of them, because pages and feeds escape every field. Pure; HTML's own list of names.
#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "client/cpp/formats/offset_map.h"

namespace sluice {

enum class ReferenceLevels {
  kOne,  // "&amp;uuml;" becomes "&uuml;"
  kAll,  // "&amp;uuml;" becomes "ü"
};

// `text` with its references decoded; nullopt where it has none. Only those that end with ';' are read, for
// "?a=1&copy=2" is an address. A no-break space becomes a space. What HTML does not know ("AT&T;") stays.
// Takes time in proportion to the text, however often it is escaped.
std::optional<MappedText> DecodedReferences(absl::string_view text, ReferenceLevels levels);

}  // namespace sluice
