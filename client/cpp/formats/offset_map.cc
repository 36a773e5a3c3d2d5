#include "client/cpp/formats/offset_map.h"

#include <algorithm>
#include <utility>

#include "client/cpp/formats/varint.h"

namespace sluice {
namespace {

absl::Status NotPacked() {
  return absl::InvalidArgumentError("not a packed offset map");
}

}  // namespace

OffsetMap OffsetMap::Identity(int64_t bytes) {
  OffsetMap map;
  map.Copy(bytes, 0);
  return map;
}

int64_t OffsetMap::TextEnd(size_t piece) const {
  return piece + 1 < pieces_.size() ? pieces_[piece + 1].text_begin : text_bytes_;
}

ByteRange OffsetMap::SourceOf(size_t piece, ByteRange text) const {
  const Piece& of = pieces_[piece];
  if (!of.copied) return {of.source_begin, int64_t{of.source_begin} + of.source_bytes};
  const int64_t to_source = int64_t{of.source_begin} - of.text_begin;
  return {std::max<int64_t>(text.begin, of.text_begin) + to_source,
          std::min(text.end, TextEnd(piece)) + to_source};
}

size_t OffsetMap::PieceAt(int64_t text_byte) const {
  const auto after =
      std::upper_bound(pieces_.begin(), pieces_.end(), text_byte,
                       [](int64_t byte, const Piece& piece) { return byte < piece.text_begin; });
  return after == pieces_.begin() ? 0 : static_cast<size_t>(after - pieces_.begin()) - 1;
}

int64_t OffsetMap::source_end() const {
  return pieces_.empty() ? 0 : SourceOf(pieces_.size() - 1, {0, text_bytes_}).end;
}

void OffsetMap::Copy(int64_t bytes, int64_t source_begin) {
  if (bytes == 0) return;
  if (pieces_.empty() || !pieces_.back().copied || source_end() != source_begin) {
    pieces_.push_back(
        {static_cast<int32_t>(text_bytes_), static_cast<int32_t>(source_begin), 0, /*copied=*/true});
  }
  text_bytes_ += bytes;
}

void OffsetMap::Replace(int64_t bytes, ByteRange source) {
  if (bytes == 0) return;
  if (bytes == 1 && source.size() == 1) return Copy(1, source.begin);
  const Piece piece{static_cast<int32_t>(text_bytes_), static_cast<int32_t>(source.begin),
                    static_cast<int32_t>(source.size()), /*copied=*/false};
  const bool goes_on = !pieces_.empty() && !pieces_.back().copied && piece.source_bytes == 0 &&
                       pieces_.back().source_bytes == 0 && pieces_.back().source_begin == piece.source_begin;
  if (!goes_on) pieces_.push_back(piece);
  text_bytes_ += bytes;
}

void OffsetMap::Append(const OffsetMap& other, ByteRange text) {
  for (size_t i = other.PieceAt(text.begin); i < other.pieces_.size(); ++i) {
    const Piece& piece = other.pieces_[i];
    if (piece.text_begin >= text.end) return;
    const ByteRange source = other.SourceOf(i, text);
    const int64_t bytes =
        std::min(other.TextEnd(i), text.end) - std::max<int64_t>(piece.text_begin, text.begin);
    piece.copied ? Copy(bytes, source.begin) : Replace(bytes, source);
  }
}

void OffsetMap::Truncate(int64_t text_bytes) {
  while (!pieces_.empty() && pieces_.back().text_begin >= text_bytes) pieces_.pop_back();
  text_bytes_ = std::min(text_bytes_, text_bytes);
}

ByteRange OffsetMap::Map(ByteRange text) const {
  if (pieces_.empty()) return {};
  text.end = std::clamp<int64_t>(text.end, 0, text_bytes_);
  text.begin = std::clamp<int64_t>(text.begin, 0, text.end);
  const size_t first = PieceAt(text.begin);
  if (text.size() == 0) {
    const Piece& piece = pieces_[first];
    const bool behind = !piece.copied && text.begin > piece.text_begin;
    const int64_t position =
        behind ? int64_t{piece.source_begin} + piece.source_bytes : SourceOf(first, text).begin;
    return {position, position};
  }
  bool any = false;
  ByteRange whole;
  for (size_t i = first; i < pieces_.size() && pieces_[i].text_begin < text.end; ++i) {
    const ByteRange part = SourceOf(i, text);
    if (part.size() == 0) continue;
    whole = any ? ByteRange{std::min(whole.begin, part.begin), std::max(whole.end, part.end)} : part;
    any = true;
  }
  if (any) return whole;
  const int64_t position = SourceOf(first, text).begin;
  return {position, position};
}

OffsetMap OffsetMap::After(const OffsetMap& earlier) const {
  OffsetMap map;
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const ByteRange text{pieces_[i].text_begin, TextEnd(i)};
    const ByteRange between = SourceOf(i, text);
    pieces_[i].copied ? map.Append(earlier, between) : map.Replace(text.size(), earlier.Map(between));
  }
  return map;
}

std::string OffsetMap::Pack() const {
  std::string packed;
  int64_t last_end = 0;
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const Piece& piece = pieces_[i];
    const ByteRange text{piece.text_begin, TextEnd(i)};
    AppendVarint(static_cast<uint64_t>(text.size()) << 1 | (piece.copied ? 1 : 0), packed);
    AppendVarint(ZigZag(piece.source_begin - last_end), packed);
    if (!piece.copied) AppendVarint(static_cast<uint64_t>(piece.source_bytes), packed);
    last_end = SourceOf(i, text).end;
  }
  return packed;
}

absl::StatusOr<OffsetMap> OffsetMap::Unpack(absl::string_view packed) {
  OffsetMap map;
  while (!packed.empty()) {
    uint64_t head = 0, gap = 0, source_bytes = 0;
    if (!TakeVarint(packed, head) || !TakeVarint(packed, gap)) return NotPacked();
    const bool copied = (head & 1) != 0;
    if (!copied && !TakeVarint(packed, source_bytes)) return NotPacked();
    constexpr uint64_t kMost = INT32_MAX;
    if (head >> 1 > kMost || gap >> 1 > kMost || source_bytes > kMost) return NotPacked();
    const auto bytes = static_cast<int64_t>(head >> 1);
    const int64_t begin = map.source_end() + UnZigZag(gap);
    const int64_t end = begin + (copied ? bytes : static_cast<int64_t>(source_bytes));
    if (begin < 0 || end < begin || end > INT32_MAX || map.text_bytes_ + bytes > INT32_MAX)
      return NotPacked();
    copied ? map.Copy(bytes, begin) : map.Replace(bytes, {begin, end});
  }
  return map;
}

MappedText MappedText::Identity(std::string text) {
  MappedText mapped;
  mapped.map_ = OffsetMap::Identity(static_cast<int64_t>(text.size()));
  mapped.text_ = std::move(text);
  return mapped;
}

void MappedText::Copy(absl::string_view bytes, int64_t source_begin) {
  text_.append(bytes.data(), bytes.size());
  map_.Copy(static_cast<int64_t>(bytes.size()), source_begin);
}

void MappedText::Replace(absl::string_view bytes, ByteRange source) {
  text_.append(bytes.data(), bytes.size());
  map_.Replace(static_cast<int64_t>(bytes.size()), source);
}

void MappedText::Insert(absl::string_view bytes) {
  text_.append(bytes.data(), bytes.size());
  map_.Insert(static_cast<int64_t>(bytes.size()));
}

void MappedText::Append(absl::string_view other_text, const OffsetMap& other, ByteRange part) {
  text_.append(other_text.data() + part.begin, static_cast<size_t>(part.size()));
  map_.Append(other, part);
}

void MappedText::RemoveTrailing(char byte) {
  while (!text_.empty() && text_.back() == byte) text_.pop_back();
  map_.Truncate(static_cast<int64_t>(text_.size()));
}

MappedText MappedText::After(const OffsetMap& earlier) && {
  map_ = map_.After(earlier);
  return std::move(*this);
}

}  // namespace sluice
