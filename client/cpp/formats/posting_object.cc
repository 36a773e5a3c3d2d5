#include "client/cpp/formats/posting_object.h"

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/formats/character_references.h"
#include "client/cpp/formats/field_values.h"
#include "client/cpp/formats/input_notes.h"
#include "client/cpp/formats/plain_text.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

std::string WithoutReferences(std::string text) {
  std::optional<MappedText> decoded = DecodedReferences(text, ReferenceLevels::kAll);
  return decoded.has_value() ? (*std::move(decoded)).TakeText() : text;
}

// Runs `parse` on a field that is there; `expected` says what it should have been.
template <typename Value>
absl::StatusOr<std::optional<Value>> Parsed(const RawPosting& fields, PostingColumn column,
                                            const InputPlace& place,
                                            std::optional<Value> (*parse)(absl::string_view),
                                            absl::string_view expected) {
  const std::string& text = fields.Value(column);
  if (text.empty()) return std::optional<Value>();
  std::optional<Value> value = parse(WithoutReferences(text));
  if (value.has_value()) return value;
  return ColumnError(place, fields.Name(column), absl::StrCat(QuotedForTerminal(text), " is not ", expected));
}

absl::Status SetSalary(const RawPosting& fields, const InputPlace& place, v1::Posting& posting) {
  constexpr absl::string_view kAmount = "an amount of at least 0, such as 55000 or 27.50";
  SLUICE_ASSIGN_OR_RETURN(const auto bottom,
                          Parsed(fields, PostingColumn::kMinAmount, place, &ParseAmount, kAmount));
  SLUICE_ASSIGN_OR_RETURN(const auto top,
                          Parsed(fields, PostingColumn::kMaxAmount, place, &ParseAmount, kAmount));
  SLUICE_ASSIGN_OR_RETURN(const auto currency, Parsed(fields, PostingColumn::kCurrency, place, &ParseCurrency,
                                                      "an ISO 4217 currency code, such as EUR"));
  SLUICE_ASSIGN_OR_RETURN(const auto interval, Parsed(fields, PostingColumn::kInterval, place, &ParseInterval,
                                                      "one of hourly, daily, weekly, monthly, yearly"));
  if (bottom.has_value()) posting.set_min_amount(*bottom);
  if (top.has_value()) posting.set_max_amount(*top);
  if (currency.has_value()) posting.set_currency(*currency);
  if (interval.has_value()) posting.set_interval(*interval);
  return absl::OkStatus();
}

absl::Status SetDescription(const RawPosting& fields, PostingInput& input) {
  const std::string& text = fields.Value(PostingColumn::kDescription);
  // The limit again, before HTML is parsed: markup only shrinks.
  constexpr size_t kMaxMarkupBytes = 4 * kMaxPostingBytes;
  if (text.size() > kMaxMarkupBytes) {
    return ColumnError(
        input.place, fields.Name(PostingColumn::kDescription),
        absl::StrCat(text.size(), " bytes; a posting may have ", kMaxPostingBytes, " (256 KiB) as text"));
  }
  absl::StatusOr<MappedText> plain = PlainText(text);
  if (!plain.ok())
    return ColumnError(input.place, fields.Name(PostingColumn::kDescription), plain.status().message());
  input.description_map = plain->map();
  input.job.mutable_posting()->set_description((*std::move(plain)).TakeText());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PostingInput> PostingFromFields(RawPosting fields, const InputPlace& place) {
  PostingInput input;
  input.place = place;
  v1::Job& job = input.job;
  v1::Posting& posting = *job.mutable_posting();
  SLUICE_ASSIGN_OR_RETURN(
      const auto date, Parsed(fields, PostingColumn::kDatePosted, place, &ParseDate, "a date as YYYY-MM-DD"));
  SLUICE_ASSIGN_OR_RETURN(const auto remote,
                          Parsed(fields, PostingColumn::kIsRemote, place, &ParseBoolean, "True or False"));
  SLUICE_RETURN_IF_ERROR(SetSalary(fields, place, posting));
  SLUICE_RETURN_IF_ERROR(SetDescription(fields, input));
  if (date.has_value()) posting.set_date_posted(*date);
  if (remote.has_value()) posting.set_is_remote(*remote);
  posting.set_title(PlainLine(fields.Value(PostingColumn::kTitle)));
  posting.set_company(PlainLine(fields.Value(PostingColumn::kCompany)));
  posting.set_location(PlainLine(fields.Value(PostingColumn::kLocation)));
  posting.set_job_type(PlainLine(fields.Value(PostingColumn::kJobType)));
  posting.set_job_url(WithoutReferences(fields.Take(PostingColumn::kJobUrl)));

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
