// UTF-8 and Windows-1252: what a scraper's file may be written in.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

// What is noted of a file that is not UTF-8.
inline constexpr absl::string_view kReadAsWindows1252 = "is not UTF-8; read as Windows-1252";

bool IsUtf8(absl::string_view text);

// Every byte means something: the five that Windows-1252 leaves open become U+FFFD.
std::string Utf8FromWindows1252(absl::string_view text);

// Checks UTF-8 that arrives in pieces.
class Utf8Checker {
 public:
  // False once anything was not UTF-8. A sequence may go on in the next piece.
  bool Accept(absl::string_view piece);
  // Whether all of it was, with no sequence left open.
  bool Finish() const { return valid_ && pending_ == 0; }

 private:
  bool valid_ = true;
  int pending_ = 0;  // continuation bytes still to come
  unsigned char lowest_ =
      0x80;  // bounds of the next one: keeps out overlong forms, surrogates and what is past U+10FFFF
  unsigned char highest_ = 0xBF;
};

void AppendUtf8(std::string& out, char32_t code_point);

// Every character as its simple case folding: "FAŁSZ" as "fałsz".
std::string FoldedCase(absl::string_view text);

}  // namespace sluice
