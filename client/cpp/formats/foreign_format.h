// Formats that Sluice does not read, told by their first bytes, so that a file is refused by its name and not
// as broken text. Pure.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

// "is a Parquet file; write it as CSV or JSON lines first": what `prefix`, a file's first bytes, belong to
// and what to do. Absent for text, and for what nobody knows but is no more than text with stray bytes.
std::optional<std::string> ForeignFormat(absl::string_view prefix);

}  // namespace sluice
