// Where letters stand in a text.
#pragma once

#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"

namespace sluice {

// Whether an ASCII letter stands at `at`; past the end none does.
inline bool LetterAt(absl::string_view text, size_t at) {
  return at < text.size() && absl::ascii_isalpha(static_cast<unsigned char>(text[at]));
}

}  // namespace sluice
