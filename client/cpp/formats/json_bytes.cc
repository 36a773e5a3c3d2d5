#include "client/cpp/formats/json_bytes.h"

#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

class ByteIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  explicit ByteIterator(JsonBytes* bytes) : bytes_(bytes) {}
  char operator*() const { return static_cast<char>(bytes_->Peek()); }
  ByteIterator& operator++() {
    bytes_->Advance();
    return *this;
  }
  // Only ever compared with the end.
  bool operator==(const ByteIterator& other) const { return AtEnd() == other.AtEnd(); }
  bool operator!=(const ByteIterator& other) const { return !(*this == other); }

 private:
  bool AtEnd() const { return bytes_ == nullptr || bytes_->Peek() == ByteSource::kEnd; }
  JsonBytes* bytes_;
};

// "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error …" without its own idea of
// the place.
absl::string_view Reason(absl::string_view what) {
  const size_t column = what.find("column ");
  const size_t begin = column == absl::string_view::npos ? what.find("] ") : what.find(": ", column);
  return begin == absl::string_view::npos ? what : what.substr(begin + 2);
}

// Whether `escape` is the \uXXXX of a surrogate, the first or the second of a pair.
bool IsSurrogate(absl::string_view escape, absl::string_view third_digits) {
  constexpr size_t kEscapeBytes = 6;
  return escape.size() == kEscapeBytes && absl::StartsWithIgnoreCase(escape, "\\ud") &&
         absl::StrContains(third_digits, absl::ascii_tolower(static_cast<unsigned char>(escape[3])));
}
bool IsHigh(absl::string_view escape) {
  return IsSurrogate(escape, "89ab");
}
bool IsLow(absl::string_view escape) {
  return IsSurrogate(escape, "cdef");
}

// Whether a half may stand alone: says yes too often rather than too seldom.
bool MayHaveHalf(absl::string_view text) {
  constexpr size_t kEscapeBytes = 6;
  for (size_t at = text.find("\\u"); at != absl::string_view::npos; at = text.find("\\u", at)) {
    const absl::string_view escape = text.substr(at, kEscapeBytes);
    const bool pair = IsHigh(escape) && IsLow(text.substr(at).substr(escape.size(), kEscapeBytes));
    if ((IsHigh(escape) || IsLow(escape)) && !pair) return true;
    at += pair ? 2 * kEscapeBytes : 2;
  }
  return false;
}

}  // namespace

std::optional<absl::string_view> JsonBytes::OneLine() const {
  const bool as_it_is = source_ == nullptr && text_.size() <= kMaxJsonValueBytes &&
                        !absl::StrContains(text_, '\n') && !absl::StrContains(text_, "NaN") &&
                        !absl::StrContains(text_, "Infinity") && !MayHaveHalf(text_);
  return as_it_is ? std::optional(text_) : std::nullopt;
}

int JsonBytes::PeekRaw() {
  if (source_ != nullptr) return source_->Peek();
  return position_ == text_.size() ? ByteSource::kEnd : static_cast<unsigned char>(text_[position_]);
}

void JsonBytes::AdvanceRaw() {
  if (source_ != nullptr) {
    source_->Next();
  } else if (text_[position_++] == '\n') {
    ++line_;
  }
}

// Reads what may be a word to replace; another one comes as it is.
void JsonBytes::ReplaceWord() {
  constexpr size_t kLongest = 10;  // more than "-Infinity"
  replaced_.clear();
  replaced_position_ = 0;
  if (PeekRaw() == '-') {
    replaced_.push_back('-');
    AdvanceRaw();
  }
  while (replaced_.size() < kLongest && PeekRaw() != ByteSource::kEnd &&
         absl::ascii_isalpha(static_cast<unsigned char>(PeekRaw()))) {
    replaced_.push_back(static_cast<char>(PeekRaw()));
    AdvanceRaw();
  }
  if (replaced_ == "NaN" || replaced_ == "-NaN" || replaced_ == "Infinity" || replaced_ == "-Infinity")
    replaced_ = "null";
}

// A whole escape such as \n or \u00fc; less where it is broken.
std::string JsonBytes::TakeEscape() {
  constexpr size_t kLongest = 6;
  std::string escape;
  while (escape.size() < kLongest && PeekRaw() != ByteSource::kEnd) {
    const auto byte = static_cast<char>(PeekRaw());
    if (escape.size() >= 2 && (escape[1] != 'u' || !absl::ascii_isxdigit(static_cast<unsigned char>(byte))))
      break;
    escape.push_back(byte);
    AdvanceRaw();
  }
  return escape;
}

void JsonBytes::ReplaceEscape() {
  replaced_position_ = 0;
  replaced_ = held_escape_.empty() ? TakeEscape() : std::exchange(held_escape_, "");
  if (IsHigh(replaced_) && PeekRaw() == '\\') {
    held_escape_ = TakeEscape();
    if (IsLow(held_escape_)) {
      replaced_ += std::exchange(held_escape_, "");
      return;
    }
  }
  if (IsHigh(replaced_) || IsLow(replaced_)) replaced_ = "\\ufffd";
}

int JsonBytes::Peek() {
  const int byte = PeekRaw();
  if (replaced_position_ == replaced_.size()) {
    const bool word = !in_string_ && (byte == 'N' || byte == 'I' || byte == '-');
    const bool escape = in_string_ && (byte == '\\' || !held_escape_.empty());
    if (!word && !escape) return byte;
    word ? ReplaceWord() : ReplaceEscape();
  }
  return static_cast<unsigned char>(replaced_[replaced_position_]);
}

void JsonBytes::Advance() {
  if (++kept_bytes_ > kMaxJsonValueBytes) {
    throw StopParsing{
        InputError(Place(), absl::StrCat("a JSON value is longer than ", kMaxJsonValueBytes, " bytes"))};
  }
  const int byte = Peek();
  if (replaced_position_ < replaced_.size()) {
    ++replaced_position_;
    return;
  }
  if (byte == '"') in_string_ = !in_string_;
  AdvanceRaw();
}

absl::StatusOr<Json> ParseJson(JsonBytes& bytes, const Json::parser_callback_t& keep) {
  try {
    if (const auto line = bytes.OneLine()) return Json::parse(line->begin(), line->end(), keep);
    return Json::parse(ByteIterator(&bytes), ByteIterator(nullptr), keep);
  } catch (const StopParsing& stop) {
    return stop.status;
  } catch (const Json::exception& error) {
    return InputError(bytes.Place(), absl::StrCat("broken JSON: ", Reason(error.what())));
  }
}

}  // namespace sluice
