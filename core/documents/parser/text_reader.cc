#include "core/documents/parser/text_reader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/error_details.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"
#include "core/base/utf8_boundary.h"
#include "core/documents/utf8.h"

namespace sluice {
namespace {

constexpr size_t kPageCharacters = 3000;
constexpr size_t kMostPageBytes = 256 << 10;  // where no paragraph ends
constexpr size_t kLookedAt = 64 << 10;

std::string FromUtf16(absl::string_view bytes, bool big_endian) {
  std::string text;
  while (bytes.size() >= 2) AppendUtf8(TakeUtf16(bytes, big_endian), text);
  return text;
}

struct DecodedText {
  std::string text;
  bool replaced = false;  // bytes that are no UTF-8 became U+FFFD
};

DecodedText Decode(absl::string_view bytes) {
  if (absl::StartsWith(bytes, "\xff\xfe")) return {FromUtf16(bytes.substr(2), false), false};
  if (absl::StartsWith(bytes, "\xfe\xff")) return {FromUtf16(bytes.substr(2), true), false};
  if (absl::StartsWith(bytes, "\xef\xbb\xbf")) bytes.remove_prefix(3);
  return {RepairedUtf8(bytes), !IsWellFormedUtf8(bytes)};
}

bool IsBlank(absl::string_view line) {
  return absl::StripAsciiWhitespace(line).empty();
}

// The lines of each page.
std::vector<std::vector<std::string>> PagesOf(absl::string_view text) {
  std::vector<std::vector<std::string>> pages(1);
  size_t characters = 0;
  const auto end_page = [&] {
    characters = 0;
    pages.emplace_back();
  };
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripSuffix(line, "\r");
    for (size_t feed = line.find('\f'); feed != absl::string_view::npos; feed = line.find('\f')) {
      if (feed > 0) pages.back().emplace_back(line.substr(0, feed));
      end_page();
      line.remove_prefix(feed + 1);
    }
    while (line.size() > kMostPageBytes) {
      const size_t cut = WellFormedUtf8Bytes(line.substr(0, kMostPageBytes));
      pages.back().emplace_back(line.substr(0, cut));
      end_page();
      line.remove_prefix(cut);
    }
    pages.back().emplace_back(line);
    characters += line.size() + 1;
    const bool full = characters >= kPageCharacters && IsBlank(line);
    if (full || characters >= kMostPageBytes) end_page();
  }
  while (!pages.empty() && std::all_of(pages.back().begin(), pages.back().end(), IsBlank)) pages.pop_back();
  return pages;
}

int HashHeading(absl::string_view line) {
  const size_t marks = line.find_first_not_of('#');
  const bool heading = marks != absl::string_view::npos && marks >= 1 && marks <= 6 && line[marks] == ' ';
  return heading ? static_cast<int>(marks) : 0;
}

bool BeginsMarkdownItem(absl::string_view line) {
  const absl::string_view text = absl::StripLeadingAsciiWhitespace(line);
  if (absl::StartsWith(text, "- ") || absl::StartsWith(text, "* ") || absl::StartsWith(text, "+ "))
    return true;
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  return digits > 0 && digits <= 9 &&
         (absl::StartsWith(text.substr(digits), ". ") || absl::StartsWith(text.substr(digits), ") "));
}

// Blocks of a page's lines: paragraphs set apart by empty lines, and what Markdown marks.
class BlockMaker {
 public:
  explicit BlockMaker(bool markdown) : markdown_(markdown) {}

  std::vector<Block> Make(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) markdown_ ? AddMarkdown(line) : AddPlain(line);
    End();
    return std::move(blocks_);
  }

 private:
  void AddPlain(absl::string_view line) {
    if (IsBlank(line)) return End();
    Append(line);
  }

  void AddMarkdown(absl::string_view line) {
    const absl::string_view stripped = absl::StripAsciiWhitespace(line);
    if (absl::StartsWith(stripped, "```") || absl::StartsWith(stripped, "~~~")) {
      End();
      in_code_ = !in_code_;
      return;
    }
    if (in_code_) return Append(line, BlockKind::kCode);
    if (stripped.empty()) return End();
    if (const int level = HashHeading(line); level > 0) {
      End();
      Append(absl::StripAsciiWhitespace(absl::StripSuffix(stripped.substr(static_cast<size_t>(level)), "#")),
             BlockKind::kHeading, level);
      return End();
    }
    if (IsUnderline(stripped) && current_.lines.size() == 1 && current_.kind == BlockKind::kParagraph) {
      current_.kind = BlockKind::kHeading;
      current_.level = stripped[0] == '=' ? 1 : 2;
      return End();
    }
    if (BeginsMarkdownItem(line)) {
      End();
      return Append(stripped, BlockKind::kListItem,
                    1 + static_cast<int>((line.size() - absl::StripLeadingAsciiWhitespace(line).size()) / 2));
    }
    Append(stripped);
  }

  static bool IsUnderline(absl::string_view line) {
    return line.size() >= 3 && (line.find_first_not_of('=') == absl::string_view::npos ||
                                line.find_first_not_of('-') == absl::string_view::npos);
  }

  void Append(absl::string_view line, BlockKind kind = BlockKind::kParagraph, int level = 0) {
    if (current_.lines.empty()) {
      current_.kind = kind;
      current_.level = level;
    }
    Line added;
    added.text = std::string(absl::StripTrailingAsciiWhitespace(line));
    added.monospace = kind == BlockKind::kCode;
    current_.lines.push_back(std::move(added));
  }

  void End() {
    if (!current_.lines.empty()) blocks_.push_back(std::exchange(current_, Block()));
  }

  const bool markdown_;
  bool in_code_ = false;
  Block current_;
  std::vector<Block> blocks_;
};

class TextReader final : public DocumentReader {
 public:
  TextReader(DocumentFacts facts, std::vector<std::vector<std::string>> pages, bool replaced)
      : facts_(std::move(facts)), pages_(std::move(pages)), replaced_(replaced) {}

  void FindOutline() {
    for (int number = 1; number <= facts_.pages; ++number) {
      const absl::StatusOr<Page> page = ReadPage(number);
      for (const Block& block : page->blocks) {
        if (block.kind != BlockKind::kHeading) continue;
        facts_.outline.push_back({.level = block.level, .title = block.lines.front().text, .page = number});
        if (facts_.title.empty() && block.level == 1) facts_.title = block.lines.front().text;
      }
    }
  }

  const DocumentFacts& facts() const override { return facts_; }

  absl::StatusOr<Page> ReadPage(int number) override {
    if (number < 1 || number > facts_.pages) {
      return WithReason(absl::OutOfRangeError(absl::StrCat("page ", number, " of ", facts_.pages)),
                        "NO_SUCH_PAGE");
    }
    const std::vector<std::string>& lines = pages_[static_cast<size_t>(number - 1)];
    Page page{.number = number};
    page.blocks = BlockMaker(facts_.format == "markdown").Make(lines);
    page.decision = page.blocks.empty() ? PageDecision{PageSource::kBlank, "EMPTY", 1}
                                        : PageDecision{PageSource::kText, "TEXT_LAYER", 1};
    if (replaced_) page.degraded.push_back("CHARACTERS_REPLACED");
    Sha256 digest;
    for (const std::string& line : lines) digest.Update(line + "\n");
    page.raw_key = digest.Finish();
    return page;
  }

  absl::StatusOr<std::string> DrawPage(int, PictureSize) override {
    return WithReason(absl::FailedPreconditionError(
                          absl::StrCat("a document in the format ", facts_.format, " has no pages to draw")),
                      "NO_PICTURE");
  }

 private:
  DocumentFacts facts_;
  const std::vector<std::vector<std::string>> pages_;
  const bool replaced_;
};

}  // namespace

bool LooksLikeText(absl::string_view bytes) {
  if (absl::StartsWith(bytes, "\xff\xfe") || absl::StartsWith(bytes, "\xfe\xff")) return true;
  const absl::string_view looked_at = bytes.substr(0, kLookedAt);
  const auto odd = std::count_if(looked_at.begin(), looked_at.end(), [](char c) {
    const auto byte = static_cast<uint8_t>(c);
    return byte == 0x7f || (byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t' && byte != '\f');
  });
  // The last character may be cut.
  const bool well_formed = WellFormedUtf8Bytes(looked_at) + 4 > looked_at.size();
  const auto most = static_cast<ptrdiff_t>(looked_at.size() / 100);
  return looked_at.find('\0') == absl::string_view::npos && odd <= most && (well_formed || odd == 0);
}

absl::StatusOr<std::unique_ptr<DocumentReader>> OpenText(const std::string& format,
                                                         const OpenRequest& request) {
  DecodedText decoded = Decode(request.bytes);
  std::vector<std::vector<std::string>> pages = PagesOf(decoded.text);
  if (pages.empty()) return WithReason(absl::InvalidArgumentError("the file holds no text"), "NO_PAGES");
  if (pages.size() > static_cast<size_t>(request.max_pages)) {
    return WithReason(
        absl::ResourceExhaustedError(absl::StrCat("the text makes ", pages.size(), " pages; at most ",
                                                  request.max_pages, " are taken (max_document_pages)")),
        "TOO_MANY_PAGES");
  }
  DocumentFacts facts{.format = format, .pages = static_cast<int>(pages.size())};
  auto reader = std::make_unique<TextReader>(std::move(facts), std::move(pages), decoded.replaced);
  reader->FindOutline();
  return reader;
}

}  // namespace sluice
