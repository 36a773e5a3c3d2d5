#include "core/base/utf8_boundary.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

constexpr absl::string_view kMark = "…";
constexpr absl::string_view kReplacement = "\uFFFD";

// The bytes after the first, and the bounds of the second one, by which overlong forms, surrogates and what
// lies past U+10FFFF are kept out.
struct Sequence {
  size_t bytes = 0;
  unsigned char lowest = 0x80;
  unsigned char highest = 0xBF;
};

Sequence SequenceOf(unsigned char first) {
  if (first < 0x80) return {1};
  if (first < 0xC2 || first > 0xF4) return {0};
  if (first < 0xE0) return {2};
  if (first == 0xE0) return {3, 0xA0, 0xBF};
  if (first == 0xED) return {3, 0x80, 0x9F};
  if (first < 0xF0) return {3};
  if (first == 0xF0) return {4, 0x90, 0xBF};
  if (first == 0xF4) return {4, 0x80, 0x8F};
  return {4};
}

// Of the character that a text begins with: its bytes, and how many of those the text has before it ends or
// goes wrong. `whole` is 0 where it begins with none.
struct Beginning {
  size_t whole = 0;
  size_t good = 0;
};

Beginning BeginningOf(absl::string_view text) {
  if (text.empty()) return {};
  const Sequence sequence = SequenceOf(static_cast<unsigned char>(text[0]));
  size_t good = std::min<size_t>(sequence.bytes, 1);
  for (; good < std::min(sequence.bytes, text.size()); ++good) {
    const auto byte = static_cast<unsigned char>(text[good]);
    const bool second = good == 1;
    if (byte < (second ? sequence.lowest : 0x80) || byte > (second ? sequence.highest : 0xBF)) break;
  }
  return {sequence.bytes, good};
}

// Of the ASCII that `text` begins with, in whole words of eight.
size_t AsciiBytes(absl::string_view text) {
  size_t bytes = 0;
  for (uint64_t word; bytes + sizeof(word) <= text.size(); bytes += sizeof(word)) {
    std::memcpy(&word, text.data() + bytes, sizeof(word));
    if ((word & 0x8080808080808080u) != 0) break;
  }
  return bytes;
}

}  // namespace

std::string Shortened(absl::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  return absl::StrCat(CutAtCharacter(text, max_bytes - kMark.size()), kMark);
}

size_t FirstCharacterBytes(absl::string_view text) {
  const Beginning beginning = BeginningOf(text);
  return beginning.good == beginning.whole ? beginning.whole : 0;
}

size_t WellFormedUtf8Bytes(absl::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    at += AsciiBytes(text.substr(at));
    const size_t bytes = FirstCharacterBytes(text.substr(at));
    if (bytes == 0) break;
    at += bytes;
  }
  return at;
}

std::string RepairedUtf8(absl::string_view text) {
  std::string repaired;
  while (true) {
    const size_t bytes = WellFormedUtf8Bytes(text);
    repaired.append(text.data(), bytes);
    if (bytes == text.size()) return repaired;
    repaired.append(kReplacement.data(), kReplacement.size());
    text.remove_prefix(bytes + 1);
  }
}

bool Utf8Checker::Accept(absl::string_view piece) {
  while (well_formed_ && !piece.empty()) {
    if (open_.empty()) piece.remove_prefix(WellFormedUtf8Bytes(piece));
    if (piece.empty()) break;
    open_ += piece[0];
    piece.remove_prefix(1);
    const Beginning beginning = BeginningOf(open_);
    if (beginning.good < open_.size()) well_formed_ = false;
    if (!well_formed_ || beginning.good == beginning.whole) open_.clear();
  }
  return well_formed_;
}

}  // namespace sluice
