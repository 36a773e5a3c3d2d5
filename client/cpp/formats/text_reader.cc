#include "client/cpp/formats/text_reader.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cpp/formats/byte_source.h"
#include "client/cpp/formats/csv_table.h"
#include "client/cpp/formats/json_bytes.h"
#include "client/cpp/formats/posting_columns.h"
#include "client/cpp/formats/terminal_text.h"
#include "core/base/status_macros.h"
#include "core/base/utf8_boundary.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxLineBytes = 4 << 20;
constexpr int kMaxDepth = 64;

enum class Kind { kLines, kJsonLines, kJsonList, kCsv };

std::string FoldedName(absl::string_view name) {
  return absl::AsciiStrToLower(absl::StripAsciiWhitespace(name));
}

bool IsText(absl::string_view name) {
  return FoldedName(name) == "text";
}

bool IsRead(absl::string_view name) {
  return IsText(name) || FoldedName(name) == "id";
}

bool IsOfPosting(absl::string_view name) {
  return MeaningOfColumn(name).column.has_value();
}

bool EndsWithAny(absl::string_view text, std::initializer_list<absl::string_view> ends) {
  return std::any_of(ends.begin(), ends.end(),
                     [&](absl::string_view end) { return absl::EndsWith(text, end); });
}

// Texts may begin with a bracket, too: "[Remote] Java developer".
bool BeginsJsonList(absl::string_view begin) {
  if (!absl::StartsWith(begin, "[")) return false;
  const absl::string_view behind = absl::StripLeadingAsciiWhitespace(begin.substr(1, begin.find('\n')));
  if (behind.empty() || absl::StrContains("\"{[]", behind.substr(0, 1))) return true;
  return Json::accept(std::string(begin.substr(0, begin.find('\n'))));
}

absl::StatusOr<Kind> KindOf(ByteSource& source) {
  const absl::string_view begin = absl::StripLeadingAsciiWhitespace(source.Prefix());
  const std::string name = absl::AsciiStrToLower(source.path());
  if (absl::StartsWith(begin, "{")) return Kind::kJsonLines;
  if (BeginsJsonList(begin)) return Kind::kJsonList;
  const absl::string_view page = begin.substr(0, 16);
  if (absl::StartsWithIgnoreCase(page, "<!doctype html") || absl::StartsWithIgnoreCase(page, "<html"))
    return InputError({source.path()}, "is an HTML page; write its text to a text file first");
  if (absl::EndsWith(name, ".json")) return InputError({source.path(), 1}, "is not JSON, as its name says");
  const CsvShape shape = CsvShapeOf(begin, &IsRead);
  const std::vector<std::string> header = SplitHeader(begin, shape.delimiter);
  if (shape.sep_line || std::any_of(header.begin(), header.end(), &IsText) ||
      EndsWithAny(name, {".csv", ".tsv", ".tab"})) {
    return Kind::kCsv;
  }
  if (CsvShapeOf(begin, &IsOfPosting).known_names >= 2) return Kind::kCsv;
  return EndsWithAny(name, {".jsonl", ".ndjson"}) ? Kind::kJsonLines : Kind::kLines;
}

// Refuses an object in which a name comes twice: one of the two would be lost.
class NamesOnce {
 public:
  // `object_depth` is how deep the objects that are looked at stand.
  explicit NamesOnce(int object_depth) : object_depth_(object_depth) {}

  // For nlohmann's callback; throws StopParsing.
  void See(int depth, Json::parse_event_t event, const Json& part, const InputPlace& place) {
    if (event == Json::parse_event_t::object_start && depth == object_depth_) names_.clear();
    if (event != Json::parse_event_t::key || depth != object_depth_ + 1) return;
    if (!names_.insert(part.get<std::string>()).second)
      throw StopParsing{ColumnError(place, part.get_ref<const std::string&>(),
                                    "is there twice in this object; keep one of them")};
  }

 private:
  const int object_depth_;
  absl::flat_hash_set<std::string> names_;
};

class TextFile {
 public:
  TextFile(ByteSource& source, const TextInputOptions& options, TextSink sink)
      : source_(source), options_(options), sink_(sink) {}

  absl::Status Read() {
    SLUICE_ASSIGN_OR_RETURN(const Kind kind, KindOf(source_));
    switch (kind) {
      case Kind::kLines:
      case Kind::kJsonLines:
        return ReadLines(kind == Kind::kJsonLines);
      case Kind::kJsonList:
        return ReadList();
      case Kind::kCsv:
        return ReadRows();
    }
    return absl::InternalError("unknown kind");
  }

  TextInputSummary& summary() { return summary_; }

 private:
  absl::Status Take(std::string text, const InputPlace& place) {
    if (text.size() > kMaxTextBytes) {
      return InputError(place, absl::StrCat("text has ", text.size(), " bytes; the limit is ", kMaxTextBytes,
                                            " (256 KiB)"));
    }
    if (!IsWellFormedUtf8(text)) return InputError(place, "text is not UTF-8; save the file as UTF-8");
    ++summary_.texts;
    return sink_(std::move(text), place);
  }

  absl::Status CheckColumn(absl::string_view name, const InputPlace& place) const {
    if (IsRead(name) || options_.ignore_unknown_columns) return absl::OkStatus();
    return ColumnError(
        place, name,
        "unknown; texts to embed have id and text. Remove it, or give --ignore-unknown-columns.");
  }

  absl::Status TakeJson(const Json& value, const InputPlace& place, bool texts_alone) {
    if (value.is_string() && texts_alone) return Take(value.get<std::string>(), place);
    if (!value.is_object())
      return InputError(place, texts_alone ? "expected a text, or an object with \"text\""
                                           : "expected an object with \"text\"");
    const Json* text = nullptr;
    for (const auto& [name, member] : value.items()) {
      SLUICE_RETURN_IF_ERROR(CheckColumn(name, place));
      if (IsText(name)) text = &member;
    }
    if (text == nullptr || !text->is_string()) return ColumnError(place, "text", "missing, or not a string");
    return Take(text->get<std::string>(), place);
  }

  absl::Status ReadLines(bool json);
  absl::Status ReadList();
  absl::Status ReadRows();

  ByteSource& source_;
  const TextInputOptions& options_;
  TextSink sink_;
  TextInputSummary summary_;
};

absl::Status TextFile::ReadLines(bool json) {
  // By content alone a text in quotes is a text.
  const bool named_json = !absl::StartsWith(absl::StripLeadingAsciiWhitespace(source_.Prefix()), "{");
  std::string line;
  while (true) {
    const InputPlace place = source_.Place();
    SLUICE_ASSIGN_OR_RETURN(const bool more, source_.ReadLine(line, kMaxLineBytes));
    if (!more) return absl::OkStatus();
    if (!json) {
      SLUICE_RETURN_IF_ERROR(Take(std::move(line), place));
      continue;
    }
    if (absl::StripAsciiWhitespace(line).empty()) continue;
    JsonBytes bytes(line, place);
    NamesOnce names(/*object_depth=*/0);
    const absl::StatusOr<Json> value =
        ParseJson(bytes, [&](int depth, Json::parse_event_t event, Json& part) {
          names.See(depth, event, part, place);
          return true;
        });
    if (!value.ok()) {
      if (summary_.texts > 0) return value.status();
      return WithMessage(
          value.status(),
          absl::StrCat(value.status().message(),
                       "; a file that begins with '{' has a JSON object with \"text\" on each line, "
                       "also around texts that begin so"));
    }
    SLUICE_RETURN_IF_ERROR(TakeJson(*value, place, named_json));
  }
}

absl::Status TextFile::ReadList() {
  JsonBytes bytes(source_);
  InputPlace place = bytes.Place();
  NamesOnce names(/*object_depth=*/1);
  const auto keep = [&](int depth, Json::parse_event_t event, const Json& value) {
    using Event = Json::parse_event_t;
    names.See(depth, event, value, bytes.Place());
    if (depth > kMaxDepth)
      throw StopParsing{InputError(bytes.Place(), absl::StrCat("JSON nests deeper than ", kMaxDepth))};
    if (depth != 1) return true;
    if (event == Event::object_start) place = bytes.Place();
    if (event == Event::array_start)
      throw StopParsing{InputError(bytes.Place(), "expected a text, found a list")};
    if (event != Event::object_end && event != Event::value) return true;
    const InputPlace here = event == Event::value ? bytes.Place() : place;
    if (const absl::Status taken = TakeJson(value, here, /*texts_alone=*/true); !taken.ok())
      throw StopParsing{taken};
    bytes.ForgetBytes();
    return false;
  };
  const absl::Status read = ParseJson(bytes, keep).status();
  return source_.status().ok() ? read : source_.status();
}

absl::Status TextFile::ReadRows() {
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<CsvTable> table,
                          CsvTable::Open(source_, &IsRead, summary_.notes));
  const std::vector<std::string>& header = table->header();
  const InputPlace header_place{source_.path(), table->header_line()};
  const auto text = std::find_if(header.begin(), header.end(), &IsText);
  const bool named_csv = EndsWithAny(absl::AsciiStrToLower(source_.path()), {".csv", ".tsv", ".tab"});
  if (!named_csv) summary_.notes.Add(header_place, "", "is taken for the header of CSV, not for a text");
  if (text == header.end()) {
    return InputError(header_place, absl::StrCat("no column 'text', which holds the texts; there are ",
                                                 EscapeName(absl::StrJoin(header, ", "))));
  }
  for (const std::string& name : header) SLUICE_RETURN_IF_ERROR(CheckColumn(name, header_place));
  if (std::count_if(header.begin(), header.end(), &IsText) > 1)
    return ColumnError(header_place, *text, "is there twice; keep one of them");
  while (true) {
    SLUICE_ASSIGN_OR_RETURN(std::optional<CsvRecord> row, table->Next());
    if (!row.has_value()) return source_.status();
    SLUICE_RETURN_IF_ERROR(Take(std::move(row->fields[text - header.begin()]), {source_.path(), row->line}));
  }
}

}  // namespace

absl::StatusOr<TextInputSummary> ReadTexts(const std::string& path, const TextInputOptions& options,
                                           TextSink sink) {
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, ByteSource::Open(path));
  TextFile file(*source, options, sink);
  SLUICE_RETURN_IF_ERROR(file.Read());
  if (file.summary().texts == 0) return InputError({path}, "holds no texts");
  return std::move(file.summary());
}

}  // namespace sluice
