#include "core/documents/book_structure.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace sluice {
namespace {

// The band at the top and the bottom of a page, in shares of its height, in which heads and numbers stand.
constexpr float kBand = 0.12f;
constexpr int kLeastRepeats = 3;
constexpr double kShareOfPages = 0.2;  // of one parity
constexpr size_t kMostHeadBytes = 120;
constexpr size_t kMostHeadingBytes = 160;
constexpr float kLarger = 1.12f;  // than the body's type
constexpr size_t kMostHeadingLines = 3;
constexpr int kDeepestLevel = 6;

// Letters and digits of a title, without case, blanks and marks: what two ways to write it share.
std::string Essence(absl::string_view text) {
  std::string essence;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 || absl::ascii_isalnum(byte)) essence += absl::ascii_tolower(byte);
  }
  return essence;
}

std::string WithoutDigits(absl::string_view text) {
  std::string rest;
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) rest += c;
  }
  return Essence(rest);
}

bool IsPageNumber(absl::string_view text) {
  const absl::string_view stripped = absl::StripAsciiWhitespace(text);
  const bool roman = stripped.find_first_not_of("ivxlcIVXLC") == absl::string_view::npos;
  const bool digits = stripped.find_first_not_of("0123456789") == absl::string_view::npos;
  return !stripped.empty() && stripped.size() <= 6 && (roman || digits);
}

// "3.2.1 Title" has three parts, "Appendix B" and "Chapter 4" one; 0 for what has no number.
int NumberParts(absl::string_view text) {
  for (const absl::string_view word : {"Chapter ", "Appendix ", "Part "}) {
    if (absl::StartsWith(text, word)) return 1;
  }
  int parts = 0;
  size_t at = 0;
  while (at < text.size()) {
    const size_t begin = at;
    while (at < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[at]))) ++at;
    const bool letter = parts == 0 && at == begin && at + 1 < text.size() && text[at + 1] == '.' &&
                        absl::ascii_isupper(static_cast<unsigned char>(text[at]));
    if (letter) ++at;
    if (at == begin || at - begin > 3) return 0;
    ++parts;
    if (at < text.size() && text[at] == '.') {
      ++at;
      if (at < text.size() && text[at] != ' ') continue;
    }
    break;
  }
  const bool titled = at + 1 < text.size() && text[at] == ' ' &&
                      !absl::ascii_islower(static_cast<unsigned char>(text[at + 1])) &&
                      !absl::ascii_isdigit(static_cast<unsigned char>(text[at + 1]));
  return titled ? parts : 0;
}

bool EndsLikeContents(absl::string_view text) {
  const size_t last = text.find_last_not_of("0123456789");
  return last != absl::string_view::npos && last + 1 < text.size() &&
         (text[last] == '.' || (text[last] == ' ' && text.find(" .") != absl::string_view::npos));
}

// Where a line stands on the page.
struct Standing {
  bool near_top = false;
  bool near_bottom = false;
};

Standing StandingOf(const Page& page, const Line& line) {
  if (page.height <= 0) return {};
  return {.near_top = line.box.bottom <= kBand * page.height,
          .near_bottom = line.box.top >= (1 - kBand) * page.height};
}

struct HeadKey {
  int parity = 0;
  bool top = true;
  std::string text;
  bool operator<(const HeadKey& other) const {
    return std::tie(parity, top, text) < std::tie(other.parity, other.top, other.text);
  }
};

HeadKey KeyOf(const Page& page, const Line& line, const Standing& standing) {
  return {page.number % 2, standing.near_top, WithoutDigits(line.text)};
}

bool CanBeHead(const Line& line, const Standing& standing) {
  return (standing.near_top || standing.near_bottom) && line.text.size() <= kMostHeadBytes;
}

Block BlockOf(BlockKind kind, int level, std::vector<Line> lines) {
  Block block{.kind = kind, .level = level, .box = lines.front().box};
  for (const Line& line : lines) {
    block.box.Extend(line.box);
  }
  block.lines = std::move(lines);
  return block;
}

int SizeKey(float size) {
  return static_cast<int>(std::lround(size * 2));
}

}  // namespace

struct BookStructure::State {
  std::map<int, std::map<std::string, int>> outline;  // of a page: level by the title's essence
  bool has_outline = false;

  // While pages are observed.
  std::map<HeadKey, int> heads;  // and how many lines are one
  std::map<int, int> pages_of_parity;
  std::map<int, int64_t> letters_of_size;

  // Once concluded.
  std::set<HeadKey> running;
  int body_size = 0;
  std::map<int, int> level_of_size;

  bool IsRunning(const Page& page, const Line& line) const;
  int LevelByOutline(const Page& page, absl::string_view text) const;
  int LevelByType(const Page& page, const Block& block) const;
  struct HeadingLines {
    size_t lines = 0;
    int level = 0;
  };
  HeadingLines HeadingOf(const Page& page, const Block& block) const;
  bool StandsOut(const Line& line) const;
};

bool BookStructure::State::IsRunning(const Page& page, const Line& line) const {
  const Standing standing = StandingOf(page, line);
  return CanBeHead(line, standing) && running.count(KeyOf(page, line, standing)) > 0;
}

int BookStructure::State::LevelByOutline(const Page& page, absl::string_view text) const {
  const auto titles = outline.find(page.number);
  if (titles == outline.end()) return 0;
  const auto level = titles->second.find(Essence(text));
  if (level != titles->second.end()) return level->second;
  // The page may give the number, and the outline not; or the other way.
  const size_t blank = text.find(' ');
  if (NumberParts(text) == 0 || blank == absl::string_view::npos) return 0;
  const auto without = titles->second.find(Essence(text.substr(blank)));
  return without == titles->second.end() ? 0 : without->second;
}

bool BookStructure::State::StandsOut(const Line& line) const {
  return static_cast<float>(SizeKey(line.font_size)) > kLarger * static_cast<float>(body_size);
}

int BookStructure::State::LevelByType(const Page& page, const Block& block) const {
  const Line& line = block.lines.front();
  const bool may_be = block.kind == BlockKind::kParagraph || block.kind == BlockKind::kListItem;
  if (!may_be || page.height <= 0 || block.lines.size() > kMostHeadingLines) return 0;
  std::string text;
  for (const Line& each : block.lines) text += each.text;
  const bool letters = std::any_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalpha(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) >= 0x80;
  });
  const char last = text.empty() ? ' ' : text.back();
  if (!letters || text.size() > kMostHeadingBytes || last == ',' || last == ';' || EndsLikeContents(text))
    return 0;
  const int parts = NumberParts(line.text);
  const bool stands_out = StandsOut(line);
  if (!stands_out && !(line.bold && parts > 0)) return 0;
  if (parts > 0) return std::min(parts, kDeepestLevel);
  const auto by_size = level_of_size.find(SizeKey(line.font_size));
  return by_size == level_of_size.end() ? 0 : by_size->second;
}

// How many of a block's first lines are a heading, and its level.
BookStructure::State::HeadingLines BookStructure::State::HeadingOf(const Page& page,
                                                                   const Block& block) const {
  if (block.lines.empty()) return {};
  if (!has_outline) return {.lines = block.lines.size(), .level = LevelByType(page, block)};
  std::string text;
  for (size_t lines = 1; lines <= std::min(block.lines.size(), kMostHeadingLines); ++lines) {
    text += (lines == 1 ? "" : " ") + block.lines[lines - 1].text;
    if (text.size() > 2 * kMostHeadingBytes) break;
    if (const int level = LevelByOutline(page, text); level > 0) return {.lines = lines, .level = level};
  }
  return {};
}

BookStructure::BookStructure(const DocumentFacts& facts) : state_(std::make_unique<State>()) {
  state_->has_outline = !facts.outline.empty();
  for (const OutlineEntry& entry : facts.outline) {
    const std::string title = Essence(entry.title);
    if (entry.page > 0 && !title.empty())
      state_->outline[entry.page].emplace(title, std::clamp(entry.level, 1, 32));
  }
}

BookStructure::~BookStructure() = default;
BookStructure::BookStructure(BookStructure&&) noexcept = default;
BookStructure& BookStructure::operator=(BookStructure&&) noexcept = default;

void BookStructure::Observe(const Page& page) {
  ++state_->pages_of_parity[page.number % 2];
  for (const Block& block : page.blocks) {
    for (const Line& line : block.lines) {
      state_->letters_of_size[SizeKey(line.font_size)] += static_cast<int64_t>(line.text.size());
      const Standing standing = StandingOf(page, line);
      if (CanBeHead(line, standing)) ++state_->heads[KeyOf(page, line, standing)];
    }
  }
}

void BookStructure::Conclude() {
  for (const auto& [key, lines] : state_->heads) {
    const int of_parity = state_->pages_of_parity[key.parity];
    const bool often = lines >= kShareOfPages * of_parity;
    const bool enough = lines >= kLeastRepeats;
    // What is nothing but digits is a page number, wherever it stands.
    if (often && enough && !key.text.empty()) state_->running.insert(key);
  }
  const auto body = std::max_element(state_->letters_of_size.begin(), state_->letters_of_size.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  if (body != state_->letters_of_size.end()) state_->body_size = body->first;
  int level = 1;
  for (auto size = state_->letters_of_size.rbegin(); size != state_->letters_of_size.rend(); ++size) {
    if (static_cast<float>(size->first) <= kLarger * static_cast<float>(state_->body_size)) break;
    state_->level_of_size[size->first] = std::min(level++, kDeepestLevel);
  }
  state_->heads.clear();
}

void BookStructure::Apply(Page& page) const {
  std::vector<Block> blocks;
  for (Block& block : page.blocks) {
    if (block.kind == BlockKind::kFigure) {
      blocks.push_back(std::move(block));
      continue;
    }
    // A head that stands close to the text is in one block with it.
    std::vector<Line> text;
    std::vector<Block> feet;
    for (Line& line : block.lines) {
      const Standing standing = StandingOf(page, line);
      const bool number = (standing.near_top || standing.near_bottom) && IsPageNumber(line.text);
      if (!number && !state_->IsRunning(page, line)) {
        text.push_back(std::move(line));
        continue;
      }
      const BlockKind kind = number ? BlockKind::kPageNumber : BlockKind::kRunningHead;
      std::vector<Block>& target = text.empty() ? blocks : feet;
      target.push_back(BlockOf(kind, 0, {std::move(line)}));
    }
    if (!text.empty()) {
      block.lines = std::move(text);
      AddText(page, std::move(block), blocks);
    }
    std::move(feet.begin(), feet.end(), std::back_inserter(blocks));
  }
  page.blocks = std::move(blocks);
}

void BookStructure::AddText(const Page& page, Block block, std::vector<Block>& blocks) const {
  if (block.kind == BlockKind::kHeading) return blocks.push_back(std::move(block));
  const State::HeadingLines heading = state_->HeadingOf(page, block);
  if (heading.level == 0) return blocks.push_back(BlockOf(block.kind, block.level, std::move(block.lines)));
  const auto end = block.lines.begin() + static_cast<ptrdiff_t>(heading.lines);
  std::vector<Line> rest(std::make_move_iterator(end), std::make_move_iterator(block.lines.end()));
  block.lines.erase(end, block.lines.end());
  blocks.push_back(BlockOf(BlockKind::kHeading, heading.level, std::move(block.lines)));
  if (!rest.empty()) blocks.push_back(BlockOf(block.kind, block.level, std::move(rest)));
}

}  // namespace sluice
