#include "client/cpp/command/json_line.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "client/cpp/formats/utf8.h"

namespace sluice {
namespace {

constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";

bool NeedsEscape(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

void AppendEscaped(std::string& out, char c) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"':
    case '\\':
      out += '\\';
      out += c;
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    default:
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[c & 0xF];
  }
}

// Bytes of the UTF-8 sequence that `text` begins with; 0 when it begins with none.
size_t SequenceBytes(absl::string_view text) {
  for (size_t bytes = 1; bytes <= std::min<size_t>(4, text.size()); ++bytes) {
    if (IsUtf8(text.substr(0, bytes))) return bytes;
  }
  return 0;
}

std::string WithReplacements(absl::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const size_t bytes = SequenceBytes(text);
    valid.append(bytes == 0 ? kReplacement.data() : text.data(), bytes == 0 ? kReplacement.size() : bytes);
    text.remove_prefix(std::max<size_t>(bytes, 1));
  }
  return valid;
}

void AppendQuoted(std::string& out, absl::string_view text) {
  out += '"';
  while (true) {
    const auto* plain_end = std::find_if(text.begin(), text.end(), NeedsEscape);
    const auto plain = static_cast<size_t>(plain_end - text.begin());
    out.append(text.data(), plain);
    if (plain == text.size()) break;
    AppendEscaped(out, text[plain]);
    text.remove_prefix(plain + 1);
  }
  out += '"';
}

bool IsAscii(absl::string_view text) {
  unsigned char all = 0;
  for (const char c : text) all |= static_cast<unsigned char>(c);
  return all < 0x80;
}

}  // namespace

void JsonLine::Separate() {
  if (needs_comma_) out_ += ',';
  needs_comma_ = true;
}

JsonLine& JsonLine::Begin(char bracket) {
  Separate();
  out_ += bracket;
  needs_comma_ = false;
  return *this;
}

JsonLine& JsonLine::End(char bracket) {
  out_ += bracket;
  needs_comma_ = true;
  return *this;
}

JsonLine& JsonLine::Raw(absl::string_view value) {
  Separate();
  out_.append(value.data(), value.size());
  return *this;
}

JsonLine& JsonLine::Key(absl::string_view name) {
  Text(name);
  out_ += ':';
  needs_comma_ = false;
  return *this;
}

JsonLine& JsonLine::Text(absl::string_view text) {
  Separate();
  if (IsAscii(text) || IsUtf8(text)) {
    AppendQuoted(out_, text);
  } else {
    AppendQuoted(out_, WithReplacements(text));
  }
  return *this;
}

JsonLine& JsonLine::Integer(int64_t number) {
  char digits[24];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
  return Raw({digits, static_cast<size_t>(end - digits)});
}

JsonLine& JsonLine::Real(double number) {
  if (!std::isfinite(number)) return Null();
  char digits[32];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
  const absl::string_view text(digits, static_cast<size_t>(end - digits));
  Raw(text);
  if (text.find_first_of(".e") == absl::string_view::npos) out_ += ".0";
  return *this;
}

JsonLine& JsonLine::Boolean(bool value) {
  return Raw(value ? "true" : "false");
}

JsonLine& JsonLine::Null() {
  return Raw("null");
}

}  // namespace sluice
