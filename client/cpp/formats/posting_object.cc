#include "client/cpp/formats/posting_object.h"

#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/formats/character_references.h"
#include "client/cpp/formats/field_values.h"
#include "client/cpp/formats/input_notes.h"
#include "client/cpp/formats/plain_text.h"
#include "client/cpp/formats/posting_pay.h"
#include "client/cpp/formats/written_date.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

std::string WithoutReferences(std::string text) {
  std::optional<MappedText> decoded = DecodedReferences(text, ReferenceLevels::kAll);
  return decoded.has_value() ? (*std::move(decoded)).TakeText() : text;
}

// What is one value, not a text, may hold references, too: "&pound;".
void DecodeValues(RawPosting& fields) {
  for (const PostingColumn column :
       {PostingColumn::kDatePosted, PostingColumn::kMinAmount, PostingColumn::kMaxAmount,
        PostingColumn::kCurrency, PostingColumn::kInterval, PostingColumn::kIsRemote,
        PostingColumn::kJobUrl}) {
    fields.Replace(column, WithoutReferences(fields.Take(column)));
  }
}

void SetDate(const RawPosting& fields, const InputPlace& place, DateOrder order, InputNotes& notes,
             v1::Posting& posting) {
  const std::string& text = fields.Value(PostingColumn::kDatePosted);
  if (text.empty()) return;
  const std::optional<std::string> date = ParseDate(text, order);
  if (date.has_value()) return posting.set_date_posted(*date);
  notes.Add(place, fields.Name(PostingColumn::kDatePosted),
            absl::StrCat(QuotedForTerminal(text),
                         IsOfTwoDays(text) && order == DateOrder::kUnknown
                             ? " can be two days, as day or month comes first; left out (write YYYY-MM-DD)"
                             : " is not a date, such as YYYY-MM-DD; left out"));
}

void SetRemote(const RawPosting& fields, const InputPlace& place, InputNotes& notes, v1::Posting& posting) {
  const std::string& text = fields.Value(PostingColumn::kIsRemote);
  if (text.empty()) return;
  const std::optional<bool> remote = ParseBoolean(text);
  if (remote.has_value()) return posting.set_is_remote(*remote);
  notes.Add(place, fields.Name(PostingColumn::kIsRemote),
            absl::StrCat(QuotedForTerminal(text), " is neither True nor False; left out"));
}

absl::StatusOr<MappedText> PlainDescription(absl::string_view text) {
  // The limit again, before HTML is parsed: markup only shrinks.
  constexpr size_t kMaxMarkupBytes = 4 * kMaxPostingBytes;
  if (text.size() > kMaxMarkupBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(text.size(), " bytes; a posting may have ", kMaxPostingBytes, " (256 KiB) as text"));
  }
  return PlainText(text);
}

// Linear, as a search byte by byte is not: both texts may be 1 MiB of one letter.
bool Contains(absl::string_view text, absl::string_view part) {
  return memmem(text.data(), text.size(), part.data(), part.size()) != nullptr;
}

absl::Status SetDescription(const RawPosting& fields, InputNotes& notes, PostingInput& input) {
  absl::StatusOr<MappedText> text = PlainDescription(fields.Value(PostingColumn::kDescription));
  if (!text.ok())
    return ColumnError(input.place, fields.Name(PostingColumn::kDescription), text.status().message());
  for (const RawPosting::FurtherText& further : fields.texts()) {
    const absl::StatusOr<MappedText> plain = PlainDescription(further.text);
    if (!plain.ok()) {
      notes.Add(input.place, further.name, absl::StrCat(plain.status().message(), "; left out"));
      continue;
    }
    // Pages often say a part of the description once more.
    if (plain->text().empty() || Contains(text->text(), plain->text())) continue;
    if (!text->text().empty()) text->Insert("\n");
    text->Insert(plain->text());
  }
  input.description_map = text->map();
  input.job.mutable_posting()->set_description((*std::move(text)).TakeText());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PostingInput> PostingFromFields(RawPosting fields, const InputPlace& place,
                                               const FlatStyle& file_style, InputNotes& notes) {
  PostingInput input;
  input.place = place;
  v1::Job& job = input.job;
  v1::Posting& posting = *job.mutable_posting();
  DecodeValues(fields);
  StyleEvidence evidence;
  evidence.See(fields);
  const FlatStyle style = evidence.Style(file_style);
  SetDate(fields, place, style.dates, notes, posting);
  SetRemote(fields, place, notes, posting);
  SetPay(fields, place, style, notes, posting);
  SLUICE_RETURN_IF_ERROR(SetDescription(fields, notes, input));
  posting.set_title(PlainLine(fields.Value(PostingColumn::kTitle)));
  posting.set_company(PlainLine(fields.Value(PostingColumn::kCompany)));
  posting.set_location(PlainLine(fields.Value(PostingColumn::kLocation)));
  posting.set_job_type(PlainLine(fields.Value(PostingColumn::kJobType)));
  posting.set_job_url(fields.Take(PostingColumn::kJobUrl));

  if (absl::StripAsciiWhitespace(posting.title()).empty() &&
      absl::StripAsciiWhitespace(posting.description()).empty()) {
    return InputError(place, "posting has neither title nor description");
  }
  if (const auto bytes = static_cast<int64_t>(posting.ByteSizeLong()); bytes > kMaxPostingBytes) {
    return InputError(
        place, absl::StrCat("posting has ", bytes, " bytes; the limit is ", kMaxPostingBytes, " (256 KiB)"));
  }
  job.set_id(fields.Take(PostingColumn::kId));
  if (job.id().empty() && posting.job_url().size() <= kMaxJobIdBytes) job.set_id(posting.job_url());
  return input;
}

}  // namespace sluice
