#include "core/documents/page_layout.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "core/base/sha256.h"
#include "core/documents/utf8.h"

namespace sluice {
namespace {

// In heights of a line: the gap between its neighbours within a paragraph stays below.
constexpr float kMostGap = 0.65f;
constexpr float kSameSize = 0.08f;  // relative
// A picture or drawing of at least this share of the page's width and height is a figure.
constexpr float kLeastFigure = 0.12f;

// Presentation forms that stand for letters.
absl::string_view Ligature(char32_t code) {
  static constexpr std::array<absl::string_view, 7> kLigatures = {"ff", "fi", "fl", "ffi", "ffl", "st", "st"};
  return code >= 0xfb00 && code <= 0xfb06 ? kLigatures[code - 0xfb00] : absl::string_view();
}

void AppendGlyph(const Glyph& glyph, std::string& text) {
  if (const absl::string_view letters = Ligature(glyph.code); !letters.empty()) {
    text.append(letters.data(), letters.size());
  } else if (glyph.code == 0xfffe || glyph.code == 0xad ||
             glyph.code == 2) {  // PDFium's for a hyphen at a line's end
    text += '-';
  } else if (glyph.code == 0xa0 || glyph.code == '\t') {
    text += ' ';
  } else if (glyph.code == 0) {
    AppendUtf8(0xfffd, text);
  } else if (glyph.code >= 0x20) {
    AppendUtf8(glyph.code, text);
  }
}

// A line while its glyphs come.
class LineMaker {
 public:
  explicit LineMaker(const std::vector<FontFace>& fonts) : fonts_(&fonts) {}

  void Add(const Glyph& glyph) {
    if (glyph.generated || glyph.code == ' ') {
      if (!line_.text.empty() && line_.text.back() != ' ') line_.text += ' ';
      return;
    }
    AppendGlyph(glyph, line_.text);
    line_.joins_next = glyph.hyphen;
    if (drawn_++ == 0) {
      line_.box = glyph.box;
    } else {
      line_.box.Extend(glyph.box);
    }
    Count(glyph);
  }

  // Nothing where no glyph was drawn.
  std::optional<Line> Take() {
    std::optional<Line> line;
    absl::StripTrailingAsciiWhitespace(&line_.text);
    if (drawn_ > 0 && !line_.text.empty()) {
      line_.font_size = MostOf(sizes_).value_or(0);
      const auto majority = [this](int count) { return 2 * count > drawn_; };
      line_.bold = majority(bold_);
      line_.italic = majority(italic_);
      line_.monospace = majority(monospace_);
      line = std::move(line_);
    }
    *this = LineMaker(*fonts_);
    return line;
  }

 private:
  void Count(const Glyph& glyph) {
    const auto size = std::find_if(sizes_.begin(), sizes_.end(),
                                   [&](const auto& entry) { return entry.first == glyph.font_size; });
    if (size != sizes_.end()) {
      ++size->second;
    } else {
      sizes_.emplace_back(glyph.font_size, 1);
    }
    if (glyph.font >= fonts_->size()) return;
    const FontFace& face = (*fonts_)[glyph.font];
    bold_ += face.bold ? 1 : 0;
    italic_ += face.italic ? 1 : 0;
    monospace_ += face.monospace ? 1 : 0;
  }

  static std::optional<float> MostOf(const std::vector<std::pair<float, int>>& counts) {
    const auto most = std::max_element(counts.begin(), counts.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == counts.end() ? std::nullopt : std::optional<float>(most->first);
  }

  const std::vector<FontFace>* fonts_;
  Line line_;
  int drawn_ = 0;
  int bold_ = 0;
  int italic_ = 0;
  int monospace_ = 0;
  std::vector<std::pair<float, int>> sizes_;  // and how many glyphs have it; a line has few
};

std::vector<Line> LinesOf(const GlyphPage& page) {
  std::vector<Line> lines;
  LineMaker maker(page.fonts);
  const auto end_line = [&] {
    if (std::optional<Line> line = maker.Take(); line.has_value()) lines.push_back(*std::move(line));
  };
  for (const Glyph& glyph : page.glyphs) {
    if (glyph.code == '\n' || glyph.code == '\r') {
      end_line();
    } else {
      maker.Add(glyph);
      if (glyph.hyphen) end_line();
    }
  }
  end_line();
  return lines;
}

bool IsSameSize(const Line& a, const Line& b) {
  return std::abs(a.font_size - b.font_size) <= kSameSize * std::max(a.font_size, b.font_size);
}

bool OverlapsSideways(const Box& a, const Box& b) {
  return std::min(a.right, b.right) > std::max(a.left, b.left);
}

// A line that begins as items of lists do: a bullet, or a number or letter before a bracket or point.
bool BeginsItem(absl::string_view text) {
  for (const absl::string_view bullet : {"\xe2\x80\xa2", "\xe2\x80\x93 ", "\xe2\x97\xa6", "\xe2\x96\xaa",
                                         "\xe2\x80\xa3", "\xc2\xb7 ", "- ", "* "}) {
    if (absl::StartsWith(text, bullet)) return true;
  }
  size_t at = 0;
  while (at < text.size() && at < 3 && absl::ascii_isdigit(static_cast<unsigned char>(text[at]))) ++at;
  if (at == 0 && !text.empty() && absl::ascii_isalpha(static_cast<unsigned char>(text[0]))) at = 1;
  if (at == 0 || at + 1 >= text.size()) return false;
  return (text[at] == ')' || (text[at] == '.' && absl::ascii_isdigit(static_cast<unsigned char>(text[0])))) &&
         text[at + 1] == ' ';
}

// Whether `next` goes on with the block whose last line is `last`.
bool GoesOn(const Line& last, const Line& next) {
  if (!IsSameSize(last, next) || last.monospace != next.monospace) return false;
  if (last.bold != next.bold && !last.joins_next) return false;
  if (!next.monospace && BeginsItem(next.text)) return false;
  const float height = std::max({last.box.height(), next.box.height(), 1.0f});
  const float gap = next.box.top - last.box.bottom;
  return gap <= kMostGap * height && gap >= -height && next.box.bottom > last.box.top &&
         OverlapsSideways(last.box, next.box);
}

std::vector<Block> BlocksOf(std::vector<Line> lines) {
  std::vector<Block> blocks;
  for (Line& line : lines) {
    if (blocks.empty() || !GoesOn(blocks.back().lines.back(), line)) {
      blocks.push_back({.box = line.box});
    } else {
      blocks.back().box.Extend(line.box);
    }
    blocks.back().lines.push_back(std::move(line));
  }
  for (Block& block : blocks) {
    if (block.lines.front().monospace) {
      block.kind = BlockKind::kCode;
    } else if (BeginsItem(block.lines.front().text)) {
      block.kind = BlockKind::kListItem;
      block.level = 1;
    }
  }
  return blocks;
}

// Pictures large enough for a person to look at, before the first block that stands below.
void AddFigures(const GlyphPage& glyphs, std::vector<Block>& blocks) {
  for (const Box& image : glyphs.images) {
    if (image.width() < kLeastFigure * glyphs.width || image.height() < kLeastFigure * glyphs.height)
      continue;
    const auto below = std::find_if(blocks.begin(), blocks.end(), [&](const Block& block) {
      return block.box.top >= image.bottom && OverlapsSideways(block.box, image);
    });
    blocks.insert(below, Block{.kind = BlockKind::kFigure, .box = image});
  }
}

}  // namespace

Page LayOutPage(const GlyphPage& glyphs) {
  Page page{.number = glyphs.number,
            .width = glyphs.width,
            .height = glyphs.height,
            .rotation = glyphs.rotation,
            .blocks = BlocksOf(LinesOf(glyphs)),
            .label = glyphs.label,
            .raw_key = RawKey(glyphs)};
  AddFigures(glyphs, page.blocks);
  if (glyphs.glyphs_cut) page.degraded.push_back("TEXT_CUT");
  if (glyphs.objects_cut) page.degraded.push_back("OBJECTS_CUT");
  return page;
}

std::string RawKey(const GlyphPage& glyphs) {
  std::string drawn;
  const auto add = [&drawn](auto value) {
    drawn.append(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  // Tenths of a point: a file that was saved anew moves things by less.
  const auto add_box = [&add](const Box& box) {
    for (const float side : {box.left, box.top, box.right, box.bottom}) {
      add(static_cast<int32_t>(std::lround(std::clamp(side, -1e6f, 1e6f) * 10)));
    }
  };
  add_box({0, 0, glyphs.width, glyphs.height});
  add(static_cast<int32_t>(glyphs.rotation));
  for (const Glyph& glyph : glyphs.glyphs) {
    if (glyph.generated) continue;
    add(static_cast<uint32_t>(glyph.code));
    add_box(glyph.box);
  }
  for (const Box& image : glyphs.images) add_box(image);
  add(static_cast<uint32_t>(glyphs.images.size()));
  for (const Box& drawing : glyphs.drawings) add_box(drawing);
  Sha256 digest;
  digest.Update(drawn);
  return digest.Finish();
}

}  // namespace sluice
