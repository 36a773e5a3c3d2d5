#include "client/cpp/formats/json_reader.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/formats/field_values.h"
#include "client/cpp/formats/json_bytes.h"
#include "client/cpp/formats/schema_org.h"
#include "client/cpp/formats/script_json.h"
#include "client/cpp/formats/terminal_text.h"
#include "client/cpp/formats/written_number.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

// A person's list or thing in a field of one value: the texts of a list, the name of a thing.
std::optional<std::string> TextOf(const Json& value) {
  if (value.is_null()) return std::string();
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  if (value.is_object()) {
    for (const char* name : {"name", "display_name"}) {
      const auto found = value.find(name);
      if (found != value.end() && found->is_string()) return found->get<std::string>();
    }
    return std::nullopt;
  }
  std::string joined;
  for (const Json& part : value) {
    const std::optional<std::string> text = part.is_array() ? std::nullopt : TextOf(part);
    if (!text.has_value()) return std::nullopt;
    absl::StrAppend(&joined, joined.empty() ? "" : ", ", *text);
  }
  return joined;
}

std::optional<std::string> TextOfColumn(PostingColumn column, const Json& value) {
  std::optional<std::string> text = TextOf(value);
  const bool amount = column == PostingColumn::kMinAmount || column == PostingColumn::kMaxAmount;
  return amount && value.is_number() ? WithDecimalPoint(*std::move(text)) : text;
}

// Without these a posting is another one, or none.
bool IsRequired(PostingColumn column) {
  return column == PostingColumn::kId || column == PostingColumn::kTitle ||
         column == PostingColumn::kDescription;
}

// The list that an answer of an API wraps its postings in, as {"jobs": [{…}]}; "" where `object` is a
// posting.
std::string WrappedList(const Json& object) {
  std::string list;
  for (const auto& [name, value] : object.items()) {
    if (value.is_array() && !value.empty() && value.front().is_object()) list = name;
  }
  if (list.empty()) return list;
  for (const auto& [name, value] : object.items()) {
    const std::optional<PostingColumn> column = MeaningOfColumn(name).column;
    if (column == PostingColumn::kTitle || column == PostingColumn::kDescription) return "";
  }
  return list;
}

absl::Status NotAPosting(absl::string_view list, const InputPlace& place) {
  return ColumnError(
      place, list,
      absl::StrCat("is a list within an object without title and description. If it holds the postings, "
                   "take it out first, as jq -c '.",
                   EscapeName(list), "[]' does"));
}

absl::StatusOr<RawPosting> FieldsFromFlatObject(const Json& object, const InputPlace& place,
                                                IgnoredSink ignored, InputNotes& notes) {
  RawPosting fields;
  bool unknown_seen = false;
  for (const auto& [name, value] : object.items()) {
    const ColumnMeaning meaning = MeaningOfColumn(name);
    if (!meaning.column.has_value()) {
      if (!meaning.known() && !unknown_seen) {
        unknown_seen = true;
        if (const std::string list = WrappedList(object); !list.empty()) return NotAPosting(list, place);
      }
      SLUICE_RETURN_IF_ERROR(ignored(name, place));
      continue;
    }
    std::optional<std::string> text = TextOfColumn(*meaning.column, value);
    if (!text.has_value()) {
      constexpr absl::string_view kExpected = "expected text, a number, true or false, or a list of them";
      if (IsRequired(*meaning.column)) return ColumnError(place, name, kExpected);
      notes.Add(place, name, absl::StrCat(kExpected, "; left out"));
      continue;
    }
    if (IsAbsent(*text)) continue;
    const std::optional<std::string> left_out = fields.Offer(*meaning.column, name, *std::move(text));
    if (left_out.has_value()) SLUICE_RETURN_IF_ERROR(ignored(*left_out, place));
  }
  return fields;
}

// What is done with each thing found.
struct Sinks {
  FieldsSink take;
  IgnoredSink ignored;
  BadSink bad;
  InputNotes& notes;
  const ThingsById* things;
  // Flat objects are postings, and a name that comes twice is an error; in a page's script they are neither.
  bool flat_objects = true;
};

// Hands over every posting of one JSON value while it is parsed.
class Collector {
 public:
  Collector(JsonBytes& bytes, const Sinks& sinks) : bytes_(bytes), sinks_(sinks) {}

  absl::Status Run() {
    return ParseJson(bytes_, [this](int depth, Json::parse_event_t event,
                                    Json& value) { return Keep(depth, event, value); })
        .status();
  }

  // Postings that were handed over, and bad ones.
  int64_t found() const { return found_; }
  // Whether Run ended by an error of the sink.
  bool sink_failed() const { return sink_failed_; }

 private:
  struct OpenObject {
    int depth = 0;
    InputPlace place;
    absl::flat_hash_set<std::string> names;
  };

  struct Twice {
    InputPlace place;
    std::string name;
  };

  bool Keep(int depth, Json::parse_event_t event, const Json& value) {
    if (depth > kMaxJsonDepth) {
      throw StopParsing{InputError(bytes_.Place(), absl::StrCat("JSON nests deeper than ", kMaxJsonDepth))};
    }
    const bool in_outer_list = sinks_.flat_objects && in_list_ && depth == 1;
    if (depth == 0 && event == Json::parse_event_t::array_start) in_list_ = true;
    if (in_outer_list && (event == Json::parse_event_t::array_start || event == Json::parse_event_t::value)) {
      Refuse(InputError(bytes_.Place(), "expected an object of a posting's columns in this list"));
      return false;
    }
    if (event == Json::parse_event_t::object_start) {
      // The parser does not say where an object within a list that is left out ends.
      while (!open_.empty() && open_.back().depth >= depth) open_.pop_back();
      open_.push_back({depth, bytes_.Place(), {}});
    }
    if (event == Json::parse_event_t::key) CountName(value.get_ref<const std::string&>());
    if (event != Json::parse_event_t::object_end) return true;
    while (open_.back().depth > depth) open_.pop_back();
    const InputPlace place = std::move(open_.back().place);
    open_.pop_back();
    return !HandOver(depth, value, place);
  }

  void CountName(const std::string& name) {
    if (!sinks_.flat_objects || open_.back().names.insert(name).second) return;
    if (!twice_.has_value()) twice_ = Twice{bytes_.Place(), name};
  }

  // In JSON-LD, an open vocabulary, the last one counts, as in a browser.
  void NoteTwice() {
    if (!twice_.has_value()) return;
    sinks_.notes.Add(twice_->place, twice_->name,
                     "is there twice in this object; all but the last are left out");
    twice_.reset();
  }

  // Whether it was a posting, also one that is left out.
  bool HandOver(int depth, const Json& value, const InputPlace& place) {
    const bool outermost = depth == (in_list_ ? 1 : 0);
    const int64_t within = outermost ? std::exchange(found_within_, 0) : found_within_;
    const bool job_posting = IsJobPosting(value);
    const bool flat = sinks_.flat_objects && outermost && within == 0 && !IsJsonLd(value);
    if (job_posting || (outermost && !flat)) NoteTwice();
    if (flat && !job_posting && twice_.has_value()) {
      const Twice twice = *std::exchange(twice_, std::nullopt);
      Refuse(ColumnError(twice.place, twice.name, "is there twice in this object; keep one of them"));
    } else if (job_posting) {
      std::optional<RawPosting> posting = FieldsFromJobPosting(value, place, *sinks_.things, sinks_.notes);
      if (!posting.has_value()) return true;
      Take(*std::move(posting), place);
    } else if (flat) {
      absl::StatusOr<RawPosting> posting = FieldsFromFlatObject(value, place, sinks_.ignored, sinks_.notes);
      if (posting.ok()) {
        Take(*std::move(posting), place);
      } else {
        Refuse(posting.status());
      }
    } else {
      return false;
    }
    if (!outermost) ++found_within_;
    bytes_.ForgetBytes();
    return true;
  }

  void Take(RawPosting posting, const InputPlace& place) {
    ++found_;
    const absl::Status taken = sinks_.take(std::move(posting), place);
    if (taken.ok()) return;
    sink_failed_ = true;
    throw StopParsing{taken};
  }

  void Refuse(const absl::Status& reason) {
    ++found_;
    if (const absl::Status refused = sinks_.bad(reason); !refused.ok()) throw StopParsing{refused};
  }

  JsonBytes& bytes_;
  const Sinks& sinks_;
  bool in_list_ = false;
  std::vector<OpenObject> open_;
  std::optional<Twice> twice_;  // the first name that came twice in the posting that is open
  int64_t found_ = 0;
  int64_t found_within_ = 0;  // JobPostings found inside the outermost object that is open
  bool sink_failed_ = false;
};

bool IsBlank(absl::string_view line) {
  return absl::StripAsciiWhitespace(line).empty();
}

}  // namespace

absl::Status ReadJsonLines(ByteSource& source, FieldsSink sink, IgnoredSink ignored, BadSink bad,
                           InputNotes& notes) {
  const ThingsById none;  // a document is not held whole
  const Sinks sinks{sink, ignored, bad, notes, &none};
  std::string line;
  while (true) {
    const InputPlace place = source.Place();
    const absl::StatusOr<bool> more = source.ReadLine(line, kMaxJsonValueBytes);
    if (!source.status().ok()) return source.status();
    if (!more.ok()) {
      SLUICE_RETURN_IF_ERROR(bad(more.status()));
      continue;
    }
    if (!*more) return absl::OkStatus();
    if (IsBlank(line)) continue;
    JsonBytes bytes(line, place);
    Collector collector(bytes, sinks);
    absl::Status read = collector.Run();
    if (collector.sink_failed()) return read;
    if (read.ok() && collector.found() == 0)
      read = InputError(place, "no posting in this line: expected an object of its columns");
    if (!read.ok()) SLUICE_RETURN_IF_ERROR(bad(read));
  }
}

absl::Status ReadJsonDocument(ByteSource& source, FieldsSink sink, IgnoredSink ignored, BadSink bad,
                              InputNotes& notes) {
  const ThingsById none;  // a document is not held whole
  const Sinks sinks{sink, ignored, bad, notes, &none};
  JsonBytes bytes(source);
  Collector collector(bytes, sinks);
  absl::Status read = collector.Run();
  if (!source.status().ok()) return source.status();
  if (collector.sink_failed()) return read;
  if (read.ok() && collector.found() == 0)
    read = InputError({source.path()}, "no posting in this JSON document");
  if (absl::StrContains(read.message(), "expected end of input")) {
    read = WithMessage(
        read, absl::StrCat(read.message(), "; several objects stand one a line (jq -c), or in a list"));
  }
  return read.ok() ? read : bad(read);
}

void SeeThings(const ScriptJson& script, ThingsById& things) {
  for (const ScriptValue& value : script.values) {
    JsonBytes bytes(value.json, {});
    // What cannot be parsed is said when its postings are read.
    (void)ParseJson(bytes, [&](int, Json::parse_event_t event, const Json& thing) {
      if (event == Json::parse_event_t::object_end) things.See(thing);
      return true;
    });
  }
}

absl::StatusOr<int64_t> ReadJsonLd(const ScriptJson& script, const std::string& file,
                                   const ThingsById& things, FieldsSink sink, InputNotes& notes) {
  const auto no_flat_objects = [](absl::string_view, const InputPlace&) { return absl::OkStatus(); };
  const auto no_bad_ones = [](const absl::Status& status) { return status; };
  const Sinks sinks{sink, no_flat_objects, no_bad_ones, notes, &things, /*flat_objects=*/false};
  int64_t postings = 0;
  for (const ScriptValue& value : script.values) {
    JsonBytes bytes(value.json, {file, value.line});
    Collector collector(bytes, sinks);
    const absl::Status read = collector.Run();
    if (collector.sink_failed()) return read;
    if (!read.ok()) notes.Add({file, value.line}, "", absl::StrCat(read.message(), "; left out"));
    postings += collector.found();
  }
  if (!script.error.empty())
    notes.Add({file, script.error_line}, "", absl::StrCat("broken JSON: ", script.error, "; left out"));
  return postings;
}

absl::StatusOr<bool> BeginsWithWholeJsonLine(ByteSource& source) {
  std::string line;
  while (true) {
    SLUICE_ASSIGN_OR_RETURN(const bool more, source.ReadLine(line, kMaxJsonValueBytes));
    if (!more) return false;
    if (IsBlank(line)) continue;
    JsonBytes bytes(line, {});
    return ParseJson(bytes, nullptr).ok();
  }
}

}  // namespace sluice
