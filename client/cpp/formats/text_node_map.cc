#include "client/cpp/formats/text_node_map.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "core/base/utf8_boundary.h"

namespace sluice {
namespace {

constexpr absl::string_view kSpecial("&<\r\0", 4);
constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

size_t CharacterBytes(absl::string_view text) {
  size_t bytes = 1;
  while (bytes < text.size() && ContinuesCharacter(text[bytes])) ++bytes;
  return std::min(bytes, text.size());
}

size_t RunBytes(absl::string_view text, bool (*is_in)(unsigned char)) {
  return static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_in) - text.begin());
}

struct Reference {
  size_t source_bytes = 0;  // 0: not a reference, the '&' means itself
  size_t text_bytes = 0;
};

// Whether the text goes on with what stands behind the reference, as far as a few bytes show.
bool Fits(const Reference& reference, absl::string_view text, absl::string_view original) {
  constexpr size_t kComparedBytes = 16;
  if (reference.text_bytes > text.size()) return false;
  const absl::string_view made = text.substr(reference.text_bytes);
  const absl::string_view rest = original.substr(reference.source_bytes);
  if (rest.empty()) return made.empty();
  const absl::string_view next = rest.substr(0, kComparedBytes);
  return absl::StartsWith(made, next.substr(0, next.find_first_of(kSpecial)));
}

size_t WithSemicolon(absl::string_view original, size_t bytes) {
  return bytes < original.size() && original[bytes] == ';' ? bytes + 1 : bytes;
}

Reference NumericReference(absl::string_view text, absl::string_view original) {
  const bool hexadecimal = original.size() > 2 && (original[2] == 'x' || original[2] == 'X');
  const size_t begin = hexadecimal ? 3 : 2;
  const size_t digits = RunBytes(original.substr(std::min(begin, original.size())),
                                 hexadecimal ? absl::ascii_isxdigit : absl::ascii_isdigit);
  if (digits == 0) return {};
  return {WithSemicolon(original, begin + digits), CharacterBytes(text)};
}

Reference NamedReference(absl::string_view text, absl::string_view original) {
  const size_t name = RunBytes(original.substr(1), absl::ascii_isalnum);
  if (name == 0) return {};
  if (text[0] == '&') {
    // The only reference that makes an '&'; after any other one the '&' means itself.
    const bool ampersand = absl::StartsWith(original, "&amp") || absl::StartsWith(original, "&AMP");
    return ampersand ? Reference{WithSemicolon(original, 4), 1} : Reference{};
  }
  const size_t whole = WithSemicolon(original, 1 + name);
  const size_t one = CharacterBytes(text);
  const size_t two = one + (one < text.size() ? CharacterBytes(text.substr(one)) : 0);
  if (whole > 1 + name) {
    for (const Reference& reference : {Reference{whole, one}, Reference{whole, two}}) {
      if (Fits(reference, text, original)) return reference;
    }
  }
  // "&copy2026" is a reference, and then a number. The shortest that fits: its rest has been compared.
  constexpr size_t kShortestBytes = 3;  // "&lt"
  for (size_t bytes = kShortestBytes; bytes <= 1 + name; ++bytes) {
    if (Fits({bytes, one}, text, original)) return {bytes, one};
  }
  return {whole, one};
}

Reference ReferenceAt(absl::string_view text, absl::string_view original) {
  return absl::StartsWith(original, "&#") ? NumericReference(text, original) : NamedReference(text, original);
}

// Of a tag that was passed over; 0 for a '<' that means itself.
size_t MarkupBytes(absl::string_view original) {
  if (original.size() < 2) return 0;
  const char next = original[1];
  if (!absl::ascii_isalpha(next) && next != '/' && next != '!' && next != '?') return 0;
  const size_t end = original.find('>');
  return end == absl::string_view::npos ? original.size() : end + 1;
}

class TextNodeAligner {
 public:
  TextNodeAligner(absl::string_view text, absl::string_view original, int64_t begin)
      : text_(text), original_(original), position_(begin) {}

  // False where the two do not go together.
  bool Run() {
    while (!text_.empty()) {
      const size_t plain = std::min(original_.find_first_of(kSpecial), original_.size());
      const bool goes_on =
          plain > 0 ? CopyPlain(std::min(plain, text_.size())) : !original_.empty() && TakeSpecial();
      if (!goes_on) return false;
    }
    return true;
  }

  OffsetMap TakeMap() && { return std::move(map_); }

 private:
  // Up to `bytes` of them, and then the character that is another one in the text.
  bool CopyPlain(size_t bytes) {
    const auto differ =
        std::mismatch(text_.begin(), text_.begin() + static_cast<ptrdiff_t>(bytes), original_.begin());
    auto same = static_cast<size_t>(differ.first - text_.begin());
    while (same < bytes && same > 0 && ContinuesCharacter(original_[same])) --same;
    map_.Copy(static_cast<int64_t>(same), position_);
    Advance(same, same);
    return same == bytes || (IsReplaced() && Replace({CharacterBytes(original_), kReplacement.size()}));
  }

  // Whether a character that HTML has no place for stands next: a control character, a noncharacter.
  bool IsReplaced() const {
    return absl::StartsWith(text_, kReplacement) && !absl::StartsWith(original_, kReplacement);
  }

  bool TakeSpecial() {
    switch (original_[0]) {
      case '&': {
        const Reference reference = ReferenceAt(text_, original_);
        return reference.source_bytes == 0 ? CopyPlain(1) : Replace(reference);
      }
      case '<': {
        const size_t markup = MarkupBytes(original_);
        if (markup == 0) return CopyPlain(1);
        Advance(0, markup);
        return true;
      }
      case '\r':
        return text_[0] == '\n' && Replace({absl::StartsWith(original_, "\r\n") ? size_t{2} : size_t{1}, 1});
      default:  // NUL, which in most places is passed over
        if (IsReplaced()) return Replace({1, kReplacement.size()});
        Advance(0, 1);
        return true;
    }
  }

  bool Replace(const Reference& reference) {
    if (reference.text_bytes > text_.size()) return false;
    map_.Replace(static_cast<int64_t>(reference.text_bytes),
                 {position_, position_ + static_cast<int64_t>(reference.source_bytes)});
    Advance(reference.text_bytes, reference.source_bytes);
    return true;
  }

  void Advance(size_t text_bytes, size_t source_bytes) {
    text_.remove_prefix(text_bytes);
    original_.remove_prefix(source_bytes);
    position_ += static_cast<int64_t>(source_bytes);
  }

  absl::string_view text_;
  absl::string_view original_;
  int64_t position_;
  OffsetMap map_;
};

}  // namespace

OffsetMap MapTextNode(absl::string_view text, absl::string_view original, int64_t begin) {
  // As in most nodes, and where references mean themselves (<xmp>).
  if (text == original) {
    OffsetMap same;
    same.Copy(static_cast<int64_t>(text.size()), begin);
    return same;
  }
  TextNodeAligner aligner(text, original, begin);
  if (aligner.Run()) return std::move(aligner).TakeMap();
  OffsetMap whole;
  whole.Replace(static_cast<int64_t>(text.size()), {begin, begin + static_cast<int64_t>(original.size())});
  return whole;
}

}  // namespace sluice
