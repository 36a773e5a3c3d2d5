#include "client/cpp/formats/json_reader.h"

#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/formats/schema_org.h"
#include "client/cpp/formats/script_json.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

// Leaves nlohmann's parser from inside its callback; caught in Parse.
struct StopParsing {
  absl::Status status;
};

// Bytes for nlohmann's parser, which counts nothing itself: the line of each, and how many since the last
// posting.
class CountedBytes {
 public:
  explicit CountedBytes(ByteSource& source) : source_(&source), path_(source.path()) {}
  CountedBytes(absl::string_view text, const InputPlace& place)
      : text_(text), path_(place.file), line_(place.line) {}

  // All of them where they are one line, which needs no counting.
  std::optional<absl::string_view> OneLine() const {
    const bool counted =
        source_ != nullptr || text_.size() > kMaxJsonValueBytes || absl::StrContains(text_, '\n');
    return counted ? std::nullopt : std::optional(text_);
  }

  int Peek() {
    return source_ != nullptr ? source_->Peek() : position_ == text_.size() ? ByteSource::kEnd : Current();
  }

  void Advance() {
    if (++kept_bytes_ > kMaxJsonValueBytes) {
      throw StopParsing{
          InputError(Place(), absl::StrCat("a JSON value is longer than ", kMaxJsonValueBytes, " bytes"))};
    }
    if (source_ != nullptr) {
      source_->Next();
    } else if (text_[position_++] == '\n') {
      ++line_;
    }
  }

  InputPlace Place() const { return source_ != nullptr ? source_->Place() : InputPlace{path_, line_}; }
  void ForgetBytes() { kept_bytes_ = 0; }

 private:
  int Current() const { return static_cast<unsigned char>(text_[position_]); }

  ByteSource* source_ = nullptr;
  absl::string_view text_;
  size_t position_ = 0;
  std::string path_;
  int64_t line_ = 1;
  size_t kept_bytes_ = 0;
};

class ByteIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  explicit ByteIterator(CountedBytes* bytes) : bytes_(bytes) {}
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
  CountedBytes* bytes_;
};

// "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error …" without its own idea of
// the place.
absl::string_view Reason(absl::string_view what) {
  const size_t column = what.find("column ");
  const size_t begin = column == absl::string_view::npos ? what.find("] ") : what.find(": ", column);
  return begin == absl::string_view::npos ? what : what.substr(begin + 2);
}

// Parses one value; `keep` is nlohmann's callback and may throw StopParsing.
absl::StatusOr<Json> Parse(CountedBytes& bytes, const Json::parser_callback_t& keep) {
  try {
    if (const auto line = bytes.OneLine()) return Json::parse(line->begin(), line->end(), keep);
    return Json::parse(ByteIterator(&bytes), ByteIterator(nullptr), keep);
  } catch (const StopParsing& stop) {
    return stop.status;
  } catch (const Json::exception& error) {
    return InputError(bytes.Place(), absl::StrCat("broken JSON: ", Reason(error.what())));
  }
}

absl::StatusOr<std::string> FieldText(absl::string_view name, const Json& value, const InputPlace& place) {
  if (value.is_null()) return std::string();
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  std::string joined;
  if (value.is_array()) {
    for (const Json& part : value) {
      if (!part.is_string()) return ColumnError(place, name, "expected text, found a list of other things");
      absl::StrAppend(&joined, joined.empty() ? "" : ", ", part.get_ref<const std::string&>());
    }
    return joined;
  }
  return ColumnError(place, name, "expected text, a number or true/false, found an object");
}

absl::StatusOr<RawPosting> FieldsFromFlatObject(const Json& object, const InputPlace& place,
                                                IgnoredSink ignored) {
  RawPosting fields;
  for (const auto& [name, value] : object.items()) {
    const ColumnMeaning meaning = MeaningOfColumn(name);
    if (!meaning.column.has_value()) {
      SLUICE_RETURN_IF_ERROR(ignored(name, place));
      continue;
    }
    SLUICE_ASSIGN_OR_RETURN(std::string text, FieldText(name, value, place));
    if (text.empty()) continue;
    SLUICE_RETURN_IF_ERROR(fields.Set(*meaning.column, name, std::move(text), place));
  }
  return fields;
}

// Hands over every posting of one JSON value while it is parsed.
class Collector {
 public:
  Collector(CountedBytes& bytes, FieldsSink sink, IgnoredSink ignored, InputNotes& notes, bool flat_objects)
      : bytes_(bytes), sink_(sink), ignored_(ignored), notes_(notes), flat_objects_(flat_objects) {}

  absl::StatusOr<int64_t> Run() {
    SLUICE_RETURN_IF_ERROR(Parse(bytes_, [this](int depth, Json::parse_event_t event, Json& value) {
                             return Keep(depth, event, value);
                           }).status());
    return postings_;
  }

 private:
  bool Keep(int depth, Json::parse_event_t event, const Json& value) {
    if (depth > kMaxJsonDepth) {
      throw StopParsing{InputError(bytes_.Place(), absl::StrCat("JSON nests deeper than ", kMaxJsonDepth))};
    }
    const bool in_outer_list = flat_objects_ && in_list_ && depth == 1;
    if (depth == 0 && event == Json::parse_event_t::array_start) in_list_ = true;
    if (in_outer_list && (event == Json::parse_event_t::array_start || event == Json::parse_event_t::value)) {
      throw StopParsing{InputError(bytes_.Place(), "expected an object of a posting's columns in this list")};
    }
    if (event == Json::parse_event_t::object_start) starts_.push_back(bytes_.Place());
    if (event != Json::parse_event_t::object_end) return true;
    const InputPlace place = std::move(starts_.back());
    starts_.pop_back();
    return !HandOver(depth, value, place);
  }

  // Whether it was a posting, also one that is left out.
  bool HandOver(int depth, const Json& value, const InputPlace& place) {
    const bool outermost = depth == (in_list_ ? 1 : 0);
    const int64_t within = outermost ? std::exchange(postings_within_, 0) : postings_within_;
    absl::StatusOr<RawPosting> fields;
    if (IsJobPosting(value)) {
      std::optional<RawPosting> posting = FieldsFromJobPosting(value, place, notes_);
      if (!posting.has_value()) return true;
      fields = *std::move(posting);
    } else if (flat_objects_ && outermost && within == 0 && !IsJsonLd(value)) {
      fields = FieldsFromFlatObject(value, place, ignored_);
    } else {
      return false;
    }
    if (!fields.ok()) throw StopParsing{fields.status()};
    if (const absl::Status taken = sink_(*std::move(fields), place); !taken.ok()) throw StopParsing{taken};
    ++postings_;
    if (!outermost) ++postings_within_;
    bytes_.ForgetBytes();
    return true;
  }

  CountedBytes& bytes_;
  FieldsSink sink_;
  IgnoredSink ignored_;
  InputNotes& notes_;
  const bool flat_objects_;
  bool in_list_ = false;
  std::vector<InputPlace> starts_;
  int64_t postings_ = 0;
  int64_t postings_within_ = 0;  // JobPostings found inside the outermost object that is open
};

bool IsBlank(absl::string_view line) {
  return absl::StripAsciiWhitespace(line).empty();
}

}  // namespace

absl::Status ReadJsonLines(ByteSource& source, FieldsSink sink, IgnoredSink ignored, InputNotes& notes) {
  std::string line;
  while (true) {
    const InputPlace place = source.Place();
    SLUICE_ASSIGN_OR_RETURN(const bool more, source.ReadLine(line, kMaxJsonValueBytes));
    if (!more) return absl::OkStatus();
    if (IsBlank(line)) continue;
    CountedBytes bytes(line, place);
    SLUICE_ASSIGN_OR_RETURN(const int64_t postings, Collector(bytes, sink, ignored, notes, true).Run());
    if (postings == 0) return InputError(place, "no posting in this line: expected an object of its columns");
  }
}

absl::Status ReadJsonDocument(ByteSource& source, FieldsSink sink, IgnoredSink ignored, InputNotes& notes) {
  CountedBytes bytes(source);
  SLUICE_ASSIGN_OR_RETURN(const int64_t postings, Collector(bytes, sink, ignored, notes, true).Run());
  SLUICE_RETURN_IF_ERROR(source.status());
  if (postings == 0) return InputError({source.path()}, "no posting in this JSON document");
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ReadJsonLd(absl::string_view script, const InputPlace& place, FieldsSink sink,
                                   InputNotes& notes) {
  const auto no_flat_objects = [](absl::string_view, const InputPlace&) { return absl::OkStatus(); };
  const ScriptJson read = ReadScriptJson(script, place.line);
  int64_t postings = 0;
  for (const ScriptValue& value : read.values) {
    CountedBytes bytes(value.json, {place.file, value.line});
    SLUICE_ASSIGN_OR_RETURN(const int64_t found, Collector(bytes, sink, no_flat_objects, notes, false).Run());
    postings += found;
  }
  if (!read.error.empty()) {
    notes.Add({place.file, read.error_line}, "", absl::StrCat("broken JSON: ", read.error, "; left out"));
  }
  return postings;
}

absl::StatusOr<bool> BeginsWithWholeJsonLine(ByteSource& source) {
  std::string line;
  while (true) {
    SLUICE_ASSIGN_OR_RETURN(const bool more, source.ReadLine(line, kMaxJsonValueBytes));
    if (!more) return false;
    if (!IsBlank(line)) return Json::accept(line);
  }
}

}  // namespace sluice
