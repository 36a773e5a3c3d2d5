#include "client/cpp/formats/script_json.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cpp/formats/character_references.h"
#include "client/cpp/formats/input_notes.h"
#include "core/base/utf8_boundary.h"

namespace sluice {
namespace {

constexpr absl::string_view kMarks[] = {"<!--", "-->", "<![CDATA[", "]]>", "]]&gt;"};
constexpr absl::string_view kUnicodeBlanks[] = {"\xC2\xA0", "\xEF\xBB\xBF", "\xE2\x80\xA8", "\xE2\x80\xA9",
                                                "\xE2\x80\x8B"};

// Of the first of `pieces` that `text` begins with; 0 when there is none.
template <typename Pieces>
size_t BytesOfOne(absl::string_view text, const Pieces& pieces) {
  for (const absl::string_view piece : pieces) {
    if (absl::StartsWith(text, piece)) return piece.size();
  }
  return 0;
}

bool IsDigit(char c) {
  return absl::ascii_isdigit(static_cast<unsigned char>(c));
}

bool BelongsToWord(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return absl::ascii_isalnum(byte) || byte >= 0x80 || absl::StrContains("_.+-$", absl::string_view(&c, 1));
}

bool IsJsonNumber(absl::string_view word) {
  size_t at = 0;
  const auto digits = [&] {
    const size_t begin = at;
    while (at < word.size() && IsDigit(word[at])) ++at;
    return at > begin;
  };
  if (at < word.size() && word[at] == '-') ++at;
  const bool zero = at < word.size() && word[at] == '0';
  const size_t whole = at;
  if (!digits() || (zero && at > whole + 1)) return false;
  if (at < word.size() && word[at] == '.' && (++at, !digits())) return false;
  if (at < word.size() && (word[at] == 'e' || word[at] == 'E')) {
    ++at;
    if (at < word.size() && (word[at] == '+' || word[at] == '-')) ++at;
    if (!digits()) return false;
  }
  return at == word.size();
}

// "true", "false" or "null" for a word that programs write for one of them; "" for another.
absl::string_view Constant(absl::string_view word) {
  static constexpr absl::string_view kNulls[] = {"null", "NULL",      "None",      "nil",       "NaN",
                                                 "nan",  "undefined", "-Infinity", "+Infinity", "Infinity"};
  if (word == "true" || word == "True") return "true";
  if (word == "false" || word == "False") return "false";
  return std::find(std::begin(kNulls), std::end(kNulls), word) != std::end(kNulls) ? "null" : "";
}

// The code unit of four hexadecimal digits behind "\u".
std::optional<uint32_t> CodeUnit(absl::string_view digits) {
  if (digits.size() < 4) return std::nullopt;
  uint32_t unit = 0;
  for (const char c : digits.substr(0, 4)) {
    const auto byte = static_cast<unsigned char>(c);
    if (!absl::ascii_isxdigit(byte)) return std::nullopt;
    unit = unit * 16 + (IsDigit(c) ? c - '0' : absl::ascii_tolower(byte) - 'a' + 10);
  }
  return unit;
}

class ScriptReader {
 public:
  ScriptReader(absl::string_view script, int64_t first_line) : text_(script), line_(first_line) {}

  ScriptJson Run() {
    while (true) {
      SkipAll(";,");
      if (AtEnd()) return std::move(read_);
      out_.clear();
      const int64_t line = line_;
      if (Peek() != '{' && Peek() != '[') Fail("expected an object or a list");
      if (!read_.error.empty() || !Value(1, false)) return std::move(read_);
      read_.values.push_back({std::move(out_), line});
    }
  }

 private:
  bool AtEnd() const { return at_ >= text_.size(); }
  char Peek() const { return AtEnd() ? '\0' : text_[at_]; }
  absl::string_view Rest() const { return text_.substr(at_); }

  // Passes over bytes; their line ends go into what is written, so that tokens stay on their lines.
  void Skip(size_t bytes) {
    const absl::string_view skipped = Rest().substr(0, bytes);
    const auto line_ends = std::count(skipped.begin(), skipped.end(), '\n');
    out_.append(static_cast<size_t>(line_ends), '\n');
    line_ += line_ends;
    at_ += skipped.size();
  }

  bool Fail(absl::string_view why) {
    constexpr size_t kShownBytes = 32;
    read_.error = AtEnd()
                      ? absl::StrCat(why, ", found the script's end")
                      : absl::StrCat(why, ", found ", QuotedForTerminal(CutAtCharacter(Rest(), kShownBytes)));
    read_.error_line = line_;
    return false;
  }

  // White space, comments and the marks that hide a script from old browsers.
  void Blank() {
    while (!AtEnd()) {
      const size_t bytes = BlankBytes();
      if (bytes == 0) return;
      Skip(bytes);
    }
  }

  // Blanks and `marks`, in any order.
  void SkipAll(absl::string_view marks) {
    Blank();
    while (!AtEnd() && absl::StrContains(marks, Rest().substr(0, 1))) {
      Skip(1);
      Blank();
    }
  }

  // Whether "<!--" begins a comment; else it is the mark before a script that is hidden in one. Each byte is
  // looked at once, however many marks there are.
  bool IsComment() {
    if (comment_end_ < at_) comment_end_ = text_.find("-->", at_);
    if (bracket_ < at_) bracket_ = text_.find_first_of("{[", at_);
    return comment_end_ < bracket_;
  }

  size_t BlankBytes() {
    const absl::string_view rest = Rest();
    if (static_cast<unsigned char>(rest[0]) <= ' ') return 1;
    if (absl::StartsWith(rest, "<!--") && IsComment()) return comment_end_ + 3 - at_;
    if (const size_t mark = BytesOfOne(rest, kMarks); mark > 0) return mark;
    if (absl::StartsWith(rest, "//")) {
      // On one line with its mark the rest is no comment: "//<![CDATA[ {…} //]]>".
      const absl::string_view behind = absl::StripLeadingAsciiWhitespace(rest.substr(2));
      if (BytesOfOne(behind, kMarks) > 0) return 2;
      return std::min(rest.find('\n'), rest.size());
    }
    if (absl::StartsWith(rest, "/*")) {
      const size_t end = rest.find("*/", 2);
      return end == absl::string_view::npos ? rest.size() : end + 2;
    }
    return BytesOfOne(rest, kUnicodeBlanks);
  }

  bool Value(int depth, bool in_object) {
    if (depth > kMaxJsonDepth) return Fail(absl::StrCat("nests deeper than ", kMaxJsonDepth));
    switch (Peek()) {
      case '{':
        return Members('{', '}', depth);
      case '[':
        return Members('[', ']', depth);
      case '"':
      case '\'':
        return Text();
      default:
        return Word(in_object, false);
    }
  }

  // An object's or a list's, from bracket to bracket.
  bool Members(char open, char close, int depth) {
    Skip(1);
    out_ += open;
    for (bool first = true;; first = false) {
      SkipAll(",");
      if (Peek() == close) break;
      if (AtEnd()) return Fail(absl::StrCat("expected '", absl::string_view(&close, 1), "'"));
      if (!first) out_ += ',';
      if (open == '{' ? !Member(depth) : !Value(depth + 1, false)) return false;
      Blank();
      if (Peek() != ',' && Peek() != close)
        return Fail(absl::StrCat("expected ',' or '", absl::string_view(&close, 1), "'"));
    }
    Skip(1);
    out_ += close;
    return true;
  }

  bool Member(int depth) {
    const bool quoted = Peek() == '"' || Peek() == '\'';
    if (quoted ? !Text() : !Word(true, true)) return false;
    Blank();
    if (Peek() != ':') return Fail("expected ':' behind a name");
    Skip(1);
    out_ += ':';
    Blank();
    if (Peek() != ',' && Peek() != '}') return Value(depth + 1, true);
    out_ += "null";  // what a template had no value for
    return true;
  }

  bool Word(bool in_object, bool is_name) {
    size_t bytes = 0;
    while (at_ + bytes < text_.size() && BelongsToWord(text_[at_ + bytes])) ++bytes;
    if (bytes == 0) return Fail(is_name ? "expected a name" : "expected a value");
    if (in_object && !is_name) bytes += ThousandsBytes(bytes);
    const absl::string_view word = Rest().substr(0, bytes);
    const absl::string_view constant = is_name ? "" : Constant(word);
    if (!constant.empty()) {
      absl::StrAppend(&out_, constant);
    } else if (double number = 0;
               !is_name && IsJsonNumber(word) && absl::SimpleAtod(word, &number) && std::isfinite(number)) {
      absl::StrAppend(&out_, word);
    } else {
      absl::StrAppend(&out_, "\"", word, "\"");
    }
    Skip(bytes);
    return true;
  }

  // Of ",000" behind the digits of an amount; a name cannot begin so.
  size_t ThousandsBytes(size_t digits) const {
    const absl::string_view word = Rest().substr(0, digits);
    if (digits > 3 || !std::all_of(word.begin(), word.end(), IsDigit)) return 0;
    size_t end = digits;
    const auto group_at = [&](size_t at) {
      const absl::string_view group = Rest().substr(at, 4);
      return group.size() == 4 && group[0] == ',' && IsDigit(group[1]) && IsDigit(group[2]) &&
             IsDigit(group[3]);
    };
    while (group_at(end)) end += 4;
    const absl::string_view behind = absl::StripLeadingAsciiWhitespace(Rest().substr(end));
    const bool ends = absl::StartsWith(behind, ",") || absl::StartsWith(behind, "}");
    return ends ? end - digits : 0;
  }

  bool Text() {
    const char quote = Peek();
    const int64_t line = line_;
    ++at_;
    out_ += '"';
    std::string line_ends;
    while (!AtEnd() && Peek() != quote) {
      const char c = Peek();
      if (c == '\\') {
        Escape();
        continue;
      }
      ++at_;
      if (c == '\n') ++line_;
      Character(c);
    }
    if (AtEnd()) return Fail(absl::StrCat("expected the end of the string that begins on line ", line));
    ++at_;
    out_ += '"';
    out_.append(static_cast<size_t>(line_ - line), '\n');
    return true;
  }

  void Character(char c) {
    if (c == '"') {
      out_ += "\\\"";
    } else if (static_cast<unsigned char>(c) < ' ') {
      absl::StrAppendFormat(&out_, "\\u%04x", static_cast<unsigned>(c));
    } else {
      out_ += c;
    }
  }

  void Escape() {
    const absl::string_view rest = Rest();
    if (rest.size() < 2) return Skip(1);  // the string is never closed
    const char escaped = rest[1];
    if (escaped == 'u') return UnicodeEscape();
    at_ += 2;
    if (absl::StrContains("\"\\/bfnrt", rest.substr(1, 1))) {
      absl::StrAppend(&out_, rest.substr(0, 2));
    } else if (const auto byte = CodeUnit(absl::StrCat("00", rest.substr(2, 2)));
               escaped == 'x' && byte.has_value()) {
      absl::StrAppendFormat(&out_, "\\u%04x", *byte);
      at_ += 2;
    } else if (escaped == '\r' || escaped == '\n') {
      if (absl::StartsWith(rest.substr(1), "\r\n")) ++at_;
      if (text_[at_ - 1] == '\n') ++line_;
    } else {
      Character(escaped);
    }
  }

  void UnicodeEscape() {
    constexpr size_t kBytes = 6;
    const absl::string_view rest = Rest();
    const std::optional<uint32_t> unit = CodeUnit(rest.substr(2));
    if (!unit.has_value()) {
      at_ += 2;
      absl::StrAppend(&out_, "\\\\u");  // "C:\users"
      return;
    }
    at_ += kBytes;
    const bool high = *unit >= 0xD800 && *unit < 0xDC00;
    const bool low = *unit >= 0xDC00 && *unit < 0xE000;
    if (high && absl::StartsWith(rest.substr(kBytes), "\\u")) {
      const std::optional<uint32_t> second = CodeUnit(rest.substr(kBytes + 2));
      if (second.has_value() && *second >= 0xDC00 && *second < 0xE000) {
        absl::StrAppend(&out_, rest.substr(0, 2 * kBytes));
        at_ += kBytes;
        return;
      }
    }
    absl::StrAppend(&out_, high || low ? "\\ufffd" : rest.substr(0, kBytes));
  }

  const absl::string_view text_;
  size_t at_ = 0;
  int64_t line_;
  // The first "-->" and the first bracket from where they were last looked for; npos where there is none.
  size_t comment_end_ = text_.find("-->");
  size_t bracket_ = text_.find_first_of("{[");
  std::string out_;
  ScriptJson read_;
};

}  // namespace

ScriptJson ReadScriptJson(absl::string_view script, int64_t first_line) {
  const bool escaped = !absl::StrContains(script, '"') && !absl::StrContains(script, '\'');
  if (escaped) {
    const std::optional<MappedText> decoded = DecodedReferences(script, ReferenceLevels::kOne);
    if (decoded.has_value()) return ScriptReader(decoded->text(), first_line).Run();
  }
  return ScriptReader(script, first_line).Run();
}

}  // namespace sluice
