#include "client/cpp/formats/page_reader.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cpp/formats/plain_text.h"
#include "client/cpp/formats/utf8.h"
#include "core/base/status_macros.h"
#include "core/base/utf8_boundary.h"

namespace sluice {
namespace {

absl::StatusOr<std::string> WholePage(ByteSource& source) {
  std::string page;
  for (int byte = source.Next(); byte != ByteSource::kEnd; byte = source.Next()) {
    if (page.size() == kMaxPageBytes) {
      return InputError({source.path()},
                        absl::StrCat("page is longer than ", kMaxPageBytes, " bytes (16 MiB)"));
    }
    page.push_back(static_cast<char>(byte));
  }
  SLUICE_RETURN_IF_ERROR(source.status());
  return page;
}

// All that tells a posting from another, however often plugins write it into the page.
std::string ContentOf(const RawPosting& fields) {
  std::string content;
  for (int column = 0; column < kNumPostingColumns; ++column)
    absl::StrAppend(&content, fields.Value(static_cast<PostingColumn>(column)), absl::string_view("\0", 1));
  for (const RawPosting::FurtherText& further : fields.texts())
    absl::StrAppend(&content, further.text, absl::string_view("\0", 1));
  return content;
}

// Most pages need no second look.
bool MayRefer(absl::string_view page) {
  return absl::StrContains(page, "@id") && absl::StrContains(page, "JobPosting");
}

absl::Status NoPosting(const InputPlace& page, const InputNotes& reasons) {
  if (reasons.total() == 0) {
    return InputError(
        page,
        "no schema.org JobPosting in a <script type=\"application/ld+json\"> of this HTML page; "
        "what its tables hold is read from CSV");
  }
  return absl::InvalidArgumentError(absl::StrCat(PlaceText(page),
                                                 ": no schema.org JobPosting of this page could be read:\n",
                                                 absl::StrJoin(reasons.Lines(), "\n")));
}

}  // namespace

absl::Status ReadPage(ByteSource& source, FieldsSink sink, InputNotes& notes) {
  SLUICE_ASSIGN_OR_RETURN(std::string page, WholePage(source));
  const InputPlace whole{source.path()};
  if (!IsWellFormedUtf8(page)) {
    page = Utf8FromWindows1252(page);
    notes.Add(whole, "", kReadAsWindows1252);
  }
  absl::StatusOr<std::vector<PageScript>> scripts = JsonLdScripts(page);
  if (!scripts.ok()) return InputError(whole, scripts.status().message());

  std::vector<ScriptJson> read;
  for (const PageScript& script : *scripts) read.push_back(ReadScriptJson(script.text, script.line));
  ThingsById things;
  if (MayRefer(page)) {
    for (const ScriptJson& script : read) SeeThings(script, things);
  }

  InputNotes of_scripts;
  int64_t postings = 0;
  absl::flat_hash_set<std::string> seen;  // no larger than the page
  const auto take_once = [&](RawPosting fields, const InputPlace& place) {
    if (seen.insert(ContentOf(fields)).second) return sink(std::move(fields), place);
    of_scripts.Add(place, "", "the same JobPosting as before in this page; left out");
    return absl::OkStatus();
  };
  for (const ScriptJson& script : read) {
    SLUICE_ASSIGN_OR_RETURN(const int64_t found,
                            ReadJsonLd(script, source.path(), things, take_once, of_scripts));
    postings += found;
  }
  if (postings == 0) return NoPosting(whole, of_scripts);
  notes.Append(of_scripts);
  return absl::OkStatus();
}

}  // namespace sluice
