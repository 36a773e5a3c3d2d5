#include "client/cpp/formats/plain_text.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "client/cpp/formats/character_references.h"
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

class MarkdownReader {
 public:
  explicit MarkdownReader(absl::string_view markdown) : markdown_(markdown) {}

  MappedText Read() && {
    for (const absl::string_view line : absl::StrSplit(markdown_, '\n')) ReadLine(line);
    out_.RemoveTrailing('\n');
    return std::move(out_);
  }

 private:
  int64_t OffsetOf(const char* byte) const { return byte - markdown_.data(); }
  void Copy(absl::string_view piece) { out_.Copy(piece, OffsetOf(piece.data())); }

  void ReadLine(absl::string_view whole_line) {
    const absl::string_view line = absl::StripTrailingAsciiWhitespace(whole_line);
    if (IsRule(line) || absl::StartsWith(line, "```")) return;
    const size_t indent = std::min(line.find_first_not_of(" \t"), line.size());
    Copy(line.substr(0, indent));
    absl::string_view rest = line.substr(indent);
    if (absl::StartsWith(rest, "> ")) rest.remove_prefix(2);
    rest.remove_prefix(HeadingBytes(rest));
    if (absl::StartsWith(rest, "* ") || absl::StartsWith(rest, "+ ")) {
      const int64_t bullet = OffsetOf(rest.data());
      out_.Replace("- ", {bullet, bullet + 2});
      rest.remove_prefix(2);
    }
    ReadInline(rest);
    out_.Replace("\n",
                 {OffsetOf(line.data() + line.size()), OffsetOf(whole_line.data() + whole_line.size()) + 1});
  }

  void ReadInline(absl::string_view line) {
    for (size_t i = 0; i < line.size();) {
      const size_t plain = std::min(line.find_first_of("\\*`[!", i), line.size());
      Copy(line.substr(i, plain - i));
      if (plain == line.size()) return;
      i = plain + ReadMark(line, plain);
    }
  }

  // Reads what may be a mark at `i`; the bytes it took.
  size_t ReadMark(absl::string_view line, size_t i) {
    if (IsEscape(line, i)) {
      out_.Replace(line.substr(i + 1, 1), {OffsetOf(&line[i]), OffsetOf(&line[i]) + 2});
      return 2;
    }
    if (absl::StartsWith(line.substr(i), "**")) return 2;
    if (line[i] == '`' || (line[i] == '*' && IsEmphasis(line, i))) return 1;
    if (line[i] == '[' || absl::StartsWith(line.substr(i), "![")) {
      const Link link = LinkAt(line, line[i] == '[' ? i : i + 1);
      if (link.end > 0) {
        ReadInline(link.text);
        return link.end - i;
      }
    }
    Copy(line.substr(i, 1));
    return 1;
  }

  const absl::string_view markdown_;
  MappedText out_;
};

struct Unmarked {
  MappedText text;
  bool had_tags = false;
};

// Level by level, for at each one "&lt;" may be a bracket that is meant or the beginning of a tag: it is a
// tag where the text has no others.
absl::StatusOr<Unmarked> WithoutMarkup(absl::string_view marked_up) {
  constexpr int kMaxLevels = 8;
  Unmarked read{MappedText::Identity(std::string(marked_up))};
  const auto set = [&read](MappedText text, bool is_source) {
    read.text = is_source ? std::move(text) : std::move(text).After(read.text.map());
  };
  for (int level = 0; level < kMaxLevels; ++level) {
    if (HasHtmlTags(read.text.text())) {
      SLUICE_ASSIGN_OR_RETURN(MappedText text, TextFromHtml(read.text.text()));
      set(std::move(text), level == 0);
      read.had_tags = true;
      continue;
    }
    std::optional<MappedText> text = DecodedReferences(read.text.text(), ReferenceLevels::kOne);
    if (!text.has_value()) return read;
    set(*std::move(text), level == 0);
  }
  std::optional<MappedText> text = DecodedReferences(read.text.text(), ReferenceLevels::kAll);
  if (text.has_value()) set(*std::move(text), false);
  return read;
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

MappedText TextFromMarkdown(absl::string_view markdown) {
  return MarkdownReader(markdown).Read();
}

absl::StatusOr<MappedText> PlainText(absl::string_view description) {
  SLUICE_ASSIGN_OR_RETURN(Unmarked read, WithoutMarkup(description));
  if (!read.had_tags && LooksLikeMarkdown(read.text.text()))
    return TextFromMarkdown(read.text.text()).After(read.text.map());
  return std::move(read.text);
}

std::string PlainLine(absl::string_view field) {
  if (field.find_first_of("&<") == absl::string_view::npos) return std::string(field);
  absl::StatusOr<Unmarked> read = WithoutMarkup(field);
  if (!read.ok() || read->text.text() == field) return std::string(field);
  std::string line = std::move(read->text).TakeText();
  absl::RemoveExtraAsciiWhitespace(&line);
  std::replace_if(line.begin(), line.end(), absl::ascii_isspace, ' ');
  return line;
}

}  // namespace sluice
