#include "client/cpp/command/json_line.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iterator>
#include <optional>

#include "client/cpp/formats/terminal_text.h"
#include "core/base/utf8_boundary.h"

namespace sluice {
namespace {

constexpr char kDelete = 0x7F;
// What begins the UTF-8 of every character that steers a terminal (terminal_text.h), and of others.
constexpr char kSteeringLeads[] = {'\xC2', '\xD8', '\xE2'};

bool MayNeedEscape(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || c == kDelete ||
         std::find(std::begin(kSteeringLeads), std::end(kSteeringLeads), c) != std::end(kSteeringLeads);
}

constexpr uint64_t EachByte(unsigned char byte) {
  return 0x0101010101010101u * byte;
}

// Whether one of eight bytes may need an escape; arithmetic on all at once, after "Bit Twiddling Hacks",
// https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord.
bool AnyMayNeedEscape(const char* eight) {
  uint64_t bytes;
  std::memcpy(&bytes, eight, sizeof(bytes));
  const auto has_zero = [](uint64_t word) { return (word - EachByte(1)) & ~word & EachByte(0x80); };
  const uint64_t controls = (bytes - EachByte(0x20)) & ~bytes & EachByte(0x80);
  uint64_t others = has_zero(bytes ^ EachByte('"')) | has_zero(bytes ^ EachByte('\\'));
  others |= has_zero(bytes ^ EachByte(kDelete));
  for (const char lead : kSteeringLeads)
    others |= has_zero(bytes ^ EachByte(static_cast<unsigned char>(lead)));
  return (controls | others) != 0;
}

// Of what the text begins with, up to the first byte that may need an escape.
size_t PlainBytes(absl::string_view text) {
  size_t bytes = 0;
  while (bytes + sizeof(uint64_t) <= text.size() && !AnyMayNeedEscape(text.data() + bytes))
    bytes += sizeof(uint64_t);
  while (bytes < text.size() && !MayNeedEscape(text[bytes])) ++bytes;
  return bytes;
}

// Below U+10000.
void AppendCodePoint(std::string& out, char32_t c) {
  constexpr char kHex[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[(c >> shift) & 0xF];
}

void AppendEscaped(std::string& out, char c) {
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
      AppendCodePoint(out, static_cast<unsigned char>(c));
  }
}

// Takes what MayNeedEscape off the text, as it is where it needs none after all.
void TakeCandidate(absl::string_view& text, std::string& out) {
  const std::optional<char32_t> steering = SteeringCharacter(text);
  size_t bytes = 1;
  if (static_cast<unsigned char>(text[0]) < 0x80) {
    AppendEscaped(out, text[0]);
  } else if (steering.has_value()) {
    AppendCodePoint(out, *steering);
    bytes = *steering < 0x800 ? 2 : 3;
  } else {
    out += text[0];
  }
  text.remove_prefix(bytes);
}

void AppendQuoted(std::string& out, absl::string_view text) {
  out += '"';
  while (true) {
    const size_t plain = PlainBytes(text);
    out.append(text.data(), plain);
    if (plain == text.size()) break;
    text.remove_prefix(plain);
    TakeCandidate(text, out);
  }
  out += '"';
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
  Separate();
  out_ += '"';
  out_.append(name.data(), name.size());
  out_ += "\":";
  needs_comma_ = false;
  return *this;
}

JsonLine& JsonLine::Text(absl::string_view text) {
  Separate();
  if (IsWellFormedUtf8(text)) {
    AppendQuoted(out_, text);
  } else {
    AppendQuoted(out_, RepairedUtf8(text));
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
