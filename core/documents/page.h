// Page: what the parser makes of one page of a document, as plain values, and what it knows of the whole.
//
// A page is a list of blocks in reading order; a block is a list of lines. Boxes are in points (1/72 inch)
// from the top left corner of the page as a viewer shows it: rotation is applied.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

struct Box {
  float left = 0;
  float top = 0;
  float right = 0;
  float bottom = 0;
  float width() const { return right - left; }
  float height() const { return bottom - top; }
  void Extend(const Box& other);  // to what holds both
  bool operator==(const Box&) const = default;
};

// Stored: a number is never changed, nor used again.
enum class BlockKind : uint8_t {
  kParagraph = 1,
  kHeading = 2,
  kListItem = 3,
  kCode = 4,
  kFootnote = 5,
  kCaption = 6,
  kFigure = 7,       // a picture or a drawing; no lines
  kRunningHead = 8,  // also feet: what repeats from page to page
  kPageNumber = 9,
};

struct Line {
  Box box;
  std::string text;  // UTF-8, NFC; ligatures are letters; as it stands on the page, with a hyphen at its end
  float font_size = 0;  // points, of most of its characters
  bool bold = false;
  bool italic = false;
  bool monospace = false;
  bool joins_next = false;  // it ends in a hyphen that divides a word: the next line goes on with that word
  bool operator==(const Line&) const = default;
};

struct Block {
  BlockKind kind = BlockKind::kParagraph;
  int level = 0;  // of a heading, from 1; of a list item, from 1; else 0
  Box box;
  std::vector<Line> lines;
  bool operator==(const Block&) const = default;
};

// How a page's text was, or would have to be, had. Stored, like BlockKind.
enum class PageSource : uint8_t {
  kText = 1,     // from its text layer, or from a format without pages
  kWhole = 2,    // the whole page needs OCR
  kRegions = 3,  // its text is good; a picture of it needs OCR
  kBlank = 4,    // there is nothing on it
};

struct PageDecision {
  PageSource source = PageSource::kText;
  std::string reason;  // UPPER_SNAKE_CASE: TEXT_LAYER, FEW_CHARACTERS, UNMAPPED_FONT, IMAGE, CURVES, EMPTY, …
  float score = 1;     // how sure it is, 0..1
  bool operator==(const PageDecision&) const = default;
};

struct Page {
  int number = 1;   // from 1
  float width = 0;  // as shown; 0 in a format without pages
  float height = 0;
  int rotation = 0;  // applied already: 0, 90, 180, 270
  std::vector<Block> blocks;
  PageDecision decision;
  // What the page lacks, each UPPER_SNAKE_CASE: NEEDS_OCR, TEXT_CUT, OBJECTS_CUT, …
  std::vector<std::string> degraded;
  std::string language;  // "en", "de"; "" when unknown
  std::string label;     // its number as the document prints it ("xii"); "" when it says none
  // SHA-256 (32 bytes) over glyphs, drawings and pictures: equal pages of two files have the same.
  std::string raw_key;
  bool operator==(const Page&) const = default;
};

// Lines joined by line feeds, divided words joined, blocks set apart by an empty line. With `furniture` also
// running heads and page numbers, at their places; without, what readers search and quote.
std::string PageText(const Page& page, bool furniture);

// SHA-256 (32 bytes) of PageText(page, false): what stays when an edition only moves a page.
std::string BodyKey(const Page& page);

// The names of the formats that are read.
inline constexpr std::array<absl::string_view, 3> kDocumentFormats = {"pdf", "text", "markdown"};

struct OutlineEntry {
  int level = 1;  // from 1
  std::string title;
  int page = 0;    // from 1; 0 when it leads nowhere
  float top = -1;  // points from the page's top; below 0 when unknown
  bool operator==(const OutlineEntry&) const = default;
};

// What is known of a document before its pages are read.
struct DocumentFacts {
  std::string format;  // one of kDocumentFormats
  int pages = 0;
  std::string title;  // "" when it says none
  std::string author;
  std::vector<OutlineEntry> outline;
  bool operator==(const DocumentFacts&) const = default;
};

// Bytes and back, for the socket to the parser and for the library. The format has a version of its own.
// Decoding trusts nothing: bytes that are no page are DATA_LOSS, whatever they are, and never more memory
// than a few times their length.
std::string EncodePage(const Page& page);
absl::StatusOr<Page> DecodePage(absl::string_view bytes);
std::string EncodeFacts(const DocumentFacts& facts);
absl::StatusOr<DocumentFacts> DecodeFacts(absl::string_view bytes);

}  // namespace sluice
