// Small questions about a word. Pure.
#pragma once

#include "absl/strings/string_view.h"

namespace sluice {

// Whether `word` is one of `words`, which spaces divide.
bool IsOneOf(absl::string_view word, absl::string_view words);

// Whether `text` is ASCII digits, one at least.
bool AllDigits(absl::string_view text);

}  // namespace sluice
