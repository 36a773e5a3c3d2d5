#include "core/screening/posting_view.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/utf8_boundary.h"
#include "core/screening/attributes/company.h"
#include "core/screening/attributes/countries.h"

namespace sluice {
namespace {

constexpr size_t kQuoteBytes = 200;

absl::string_view TextOf(const Posting& posting, Field field) {
  switch (field) {
    case Field::kTitle:
      return posting.title;
    case Field::kCompany:
      return posting.company;
    case Field::kLocation:
      return posting.location;
    case Field::kDescription:
      return posting.description;
  }
  return "";
}

}  // namespace

const char* FieldName(Field field) {
  constexpr const char* kNames[] = {"title", "company", "location", "description"};
  return kNames[static_cast<int>(field)];
}

const ScannedText& PostingView::text() {
  if (!text_.has_value()) {
    text_string_ = PostingText(posting_);
    text_.emplace(text_string_);
  }
  return *text_;
}

const ScannedText& PostingView::field(Field field) {
  std::optional<ScannedText>& scanned = fields_[static_cast<int>(field)];
  if (!scanned.has_value()) scanned.emplace(TextOf(posting_, field));
  return *scanned;
}

const std::optional<Pay>& PostingView::pay() {
  if (!pay_.has_value()) pay_ = ReadPay(posting_, text());
  return *pay_;
}

const std::optional<WorkPlaceReading>& PostingView::work_place() {
  if (!work_place_.has_value()) work_place_ = ReadWorkPlace(posting_, text(), field(Field::kLocation));
  return *work_place_;
}

const std::optional<SeniorityReading>& PostingView::seniority() {
  if (!seniority_.has_value()) seniority_ = ReadSeniority(field(Field::kTitle), text());
  return *seniority_;
}

const std::vector<std::string>& PostingView::countries() {
  if (!countries_.has_value()) countries_ = CountriesOf(posting_.location);
  return *countries_;
}

const std::string& PostingView::company() {
  if (!company_.has_value()) company_ = NormalisedCompany(posting_.company);
  return *company_;
}

std::string Shown(absl::string_view column) {
  return absl::StrCat(CutAtCharacter(column, kQuoteBytes), column.size() > kQuoteBytes ? "…" : "");
}

absl::string_view PostingView::ColumnText(absl::string_view name) const {
  for (const Field field : {Field::kTitle, Field::kCompany, Field::kLocation, Field::kDescription}) {
    if (name == FieldName(field)) return TextOf(posting_, field);
  }
  return "";
}

Evidence PostingView::Quote(const Span& span, std::string normalised) {
  Evidence evidence;
  evidence.field = span.field;
  evidence.normalised = std::move(normalised);
  const absl::string_view whole = evidence.field == "text" ? text().original : ColumnText(evidence.field);
  const absl::string_view quote = CutAtCharacter(
      whole.substr(std::min<size_t>(span.begin, whole.size()), span.end - span.begin), kQuoteBytes);
  evidence.begin_byte = span.begin;
  evidence.end_byte = span.begin + static_cast<int>(quote.size());
  evidence.quote = std::string(quote);
  return evidence;
}

}  // namespace sluice
