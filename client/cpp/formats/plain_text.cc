#include "client/cpp/formats/plain_text.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

constexpr absl::string_view kEscapable = "\\`*_{}[]()#+-.!&|<>~";

bool IsEscape(absl::string_view text, size_t i) {
  return text[i] == '\\' && i + 1 < text.size() && kEscapable.find(text[i + 1]) != absl::string_view::npos;
}

bool IsRule(absl::string_view line) {
  const absl::string_view stripped = absl::StripAsciiWhitespace(line);
  return stripped.size() >= 3 && (stripped[0] == '-' || stripped[0] == '*' || stripped[0] == '_') &&
         std::all_of(stripped.begin(), stripped.end(), [&](char c) { return c == stripped[0]; });
}

// Bytes of "## " at the start of a line, 0 when it is no heading.
size_t HeadingBytes(absl::string_view line) {
  const size_t hashes = std::min(line.find_first_not_of('#'), line.size());
  return hashes >= 1 && hashes <= 6 && hashes < line.size() && line[hashes] == ' ' ? hashes + 1 : 0;
}

struct Link {
  absl::string_view text;
  size_t end = 0;  // behind ")"
};

// "[text](target)" at `i`; end 0 when there is none.
Link LinkAt(absl::string_view whole_line, size_t i) {
  constexpr size_t kMaxLinkBytes = 2048;  // keeps a line full of brackets from costing its square
  const absl::string_view line = whole_line.substr(0, i + kMaxLinkBytes);
  const size_t close = line.find("](", i);
  if (close == absl::string_view::npos) return {};
  const size_t end = line.find(')', close);
  if (end == absl::string_view::npos) return {};
  const absl::string_view text = line.substr(i + 1, close - i - 1);
  if (absl::StrContains(text, '[')) return {};
  return {text, end + 1};
}

// A single '*' is emphasis when it hugs a word: "*so*" but not "2 * 3".
bool IsEmphasis(absl::string_view line, size_t i) {
  const bool opens = i + 1 < line.size() && !absl::ascii_isspace(line[i + 1]) &&
                     (i == 0 || !absl::ascii_isalnum(line[i - 1])) &&
                     line.find('*', i + 1) != absl::string_view::npos;
  const bool closes = i > 0 && !absl::ascii_isspace(line[i - 1]) &&
                      (i + 1 == line.size() || !absl::ascii_isalnum(line[i + 1])) &&
                      line.substr(0, i).find('*') != absl::string_view::npos;
  return opens || closes;
}

void AppendInline(std::string& out, absl::string_view line) {
  for (size_t i = 0; i < line.size();) {
    if (IsEscape(line, i)) {
      out += line[i + 1];
      i += 2;
    } else if (absl::StartsWith(line.substr(i), "**")) {
      i += 2;
    } else if (line[i] == '`' || (line[i] == '*' && IsEmphasis(line, i))) {
      ++i;
    } else if (line[i] == '[' || absl::StartsWith(line.substr(i), "![")) {
      const size_t bracket = line[i] == '[' ? i : i + 1;
      const Link link = LinkAt(line, bracket);
      if (link.end == 0) {
        out += line[i++];
      } else {
        AppendInline(out, link.text);
        i = link.end;
      }
    } else {
      out += line[i++];
    }
  }
}

absl::string_view WithoutTrailingSpace(absl::string_view line) {
  return absl::StripTrailingAsciiWhitespace(line);
}

}  // namespace

bool LooksLikeMarkdown(absl::string_view text) {
  if (absl::StrContains(text, "**") || absl::StrContains(text, "](") || absl::StrContains(text, "```"))
    return true;
  for (size_t i = text.find('\\'); i != absl::string_view::npos; i = text.find('\\', i + 1)) {
    if (IsEscape(text, i)) return true;
  }
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (HeadingBytes(line) > 0) return true;
  }
  return false;
}

std::string TextFromMarkdown(absl::string_view markdown) {
  std::string out;
  out.reserve(markdown.size());
  for (absl::string_view line : absl::StrSplit(markdown, '\n')) {
    line = WithoutTrailingSpace(line);
    if (IsRule(line) || absl::StartsWith(line, "```")) continue;
    const size_t indent = std::min(line.find_first_not_of(" \t"), line.size());
    absl::string_view rest = line.substr(indent);
    out.append(line.data(), indent);
    if (absl::StartsWith(rest, "> ")) rest.remove_prefix(2);
    rest.remove_prefix(HeadingBytes(rest));
    if (absl::StartsWith(rest, "* ") || absl::StartsWith(rest, "+ ")) {
      out += "- ";
      rest.remove_prefix(2);
    }
    AppendInline(out, rest);
    out += '\n';
  }
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

absl::StatusOr<std::string> PlainText(absl::string_view description) {
  if (HasHtmlTags(description)) return TextFromHtml(description);
  std::string text(description);
  if (LooksLikeHtml(text)) {
    SLUICE_ASSIGN_OR_RETURN(text, TextFromHtml(text));
  }
  if (LooksLikeMarkdown(text)) return TextFromMarkdown(text);
  return text;
}

}  // namespace sluice
