// Characters as UTF-8, from Windows-1252 and in simple case. Pure.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

// What is noted of a file that is not UTF-8.
inline constexpr absl::string_view kReadAsWindows1252 = "is not UTF-8; read as Windows-1252";

// Every byte means something: the five that Windows-1252 leaves open become U+FFFD.
std::string Utf8FromWindows1252(absl::string_view text);

void AppendUtf8(std::string& out, char32_t code_point);

// Every character as its simple case folding: "FAŁSZ" as "fałsz".
std::string FoldedCase(absl::string_view text);

}  // namespace sluice
