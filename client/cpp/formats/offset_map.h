// OffsetMap: which bytes of a source each byte of a text was made from. MappedText: a text with its map.
//
// A map is a chain of pieces that covers the text. In a copied piece text and source advance together, byte
// by byte. A replaced piece stands for its source range as a whole: a character for its reference, a space
// for a run of white space; what was put in has an empty range. Pieces mostly follow the source's order, but
// need not: HTML moves text out of tables.
//
//   MappedText text;                 // of "R&amp;D"
//   text.Copy("R", 0);
//   text.Replace("&", {1, 6});
//   text.Copy("D", 6);
//   text.map().Map({1, 3});          // {1, 7}
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// Bytes from `begin` up to, without, `end`.
struct ByteRange {
  int64_t begin = 0;
  int64_t end = 0;

  int64_t size() const { return end - begin; }
  bool operator==(const ByteRange&) const = default;
};

// A value, for texts and sources of less than 2 GiB. Grows only at its end.
class OffsetMap {
 public:
  OffsetMap() = default;  // of the empty text

  // Of a text that is its source.
  static OffsetMap Identity(int64_t bytes);

  void Copy(int64_t bytes, int64_t source_begin);
  void Replace(int64_t bytes, ByteRange source);
  // What is in no source: stands, empty, where the piece before ended.
  void Insert(int64_t bytes) { Replace(bytes, {source_end(), source_end()}); }
  // What `other` says of its `text`.
  void Append(const OffsetMap& other, ByteRange text);
  // Keeps the first `text_bytes` of the text.
  void Truncate(int64_t text_bytes);

  int64_t text_bytes() const { return text_bytes_; }
  // Where the last piece ends in the source, 0 without one.
  int64_t source_end() const;

  // The smallest range of the source that holds all that `text` was made from; an empty one, where it would
  // stand, when that is nothing. `text` is cut to the text there is.
  ByteRange Map(ByteRange text) const;

  // For a text made in two steps: this maps it to a text in between, which `earlier` maps to the source.
  OffsetMap After(const OffsetMap& earlier) const;

  // A few bytes a piece (varints), and back. INVALID_ARGUMENT for bytes that Pack did not make.
  std::string Pack() const;
  static absl::StatusOr<OffsetMap> Unpack(absl::string_view packed);

  bool operator==(const OffsetMap&) const = default;

 private:
  struct Piece {
    int32_t text_begin = 0;
    int32_t source_begin = 0;
    int32_t source_bytes = 0;  // of a replaced piece; a copied one has as many as in the text
    bool copied = false;
    bool operator==(const Piece&) const = default;
  };

  int64_t TextEnd(size_t piece) const;
  ByteRange SourceOf(size_t piece, ByteRange text) const;
  size_t PieceAt(int64_t text_byte) const;

  std::vector<Piece> pieces_;
  int64_t text_bytes_ = 0;
};

// A text that grows together with its map. Not thread-safe.
class MappedText {
 public:
  MappedText() = default;
  static MappedText Identity(std::string text);

  void Copy(absl::string_view bytes, int64_t source_begin);
  void Replace(absl::string_view bytes, ByteRange source);
  void Insert(absl::string_view bytes);
  // A part of `other_text`, whose map is `other`.
  void Append(absl::string_view other_text, const OffsetMap& other, ByteRange part);
  void RemoveTrailing(char byte);

  const std::string& text() const { return text_; }
  const OffsetMap& map() const { return map_; }
  std::string TakeText() && { return std::move(text_); }

  // The same text, mapped on to what `earlier` maps to.
  MappedText After(const OffsetMap& earlier) &&;

 private:
  std::string text_;
  OffsetMap map_;
};

}  // namespace sluice
