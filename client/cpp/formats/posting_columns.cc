#include "client/cpp/formats/posting_columns.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/formats/spelling.h"

namespace sluice {
namespace {

struct ReadColumn {
  absl::string_view name;
  PostingColumn column;
};

constexpr ReadColumn kReadColumns[] = {
    {"id", PostingColumn::kId},
    {"title", PostingColumn::kTitle},
    {"company", PostingColumn::kCompany},
    {"location", PostingColumn::kLocation},
    {"date_posted", PostingColumn::kDatePosted},
    {"posted_at", PostingColumn::kDatePosted},
    {"job_type", PostingColumn::kJobType},
    {"min_amount", PostingColumn::kMinAmount},
    {"max_amount", PostingColumn::kMaxAmount},
    {"currency", PostingColumn::kCurrency},
    {"interval", PostingColumn::kInterval},
    {"is_remote", PostingColumn::kIsRemote},
    {"job_url", PostingColumn::kJobUrl},
    {"description", PostingColumn::kDescription},
    {"text", PostingColumn::kDescription},
};

constexpr absl::string_view kIgnoredColumns[] = {
    "",
    "unnamed: 0",
    "site",
    "job_url_direct",
    "salary_source",
    "job_level",
    "job_function",
    "listing_type",
    "emails",
    "skills",
    "experience_range",
    "work_from_home_type",
    "vacancy_count",
    "company_industry",
    "company_url",
    "company_logo",
    "company_url_direct",
    "company_addresses",
    "company_num_employees",
    "company_revenue",
    "company_description",
    "company_rating",
    "company_reviews_count",
    "logo_photo_url",
    "banner_photo_url",
    "ceo_name",
    "ceo_photo_url",
};

}  // namespace

ColumnMeaning MeaningOfColumn(absl::string_view name) {
  const std::string folded = absl::AsciiStrToLower(absl::StripAsciiWhitespace(name));
  for (const ReadColumn& read : kReadColumns) {
    if (folded == read.name) return {.column = read.column};
  }
  for (const absl::string_view ignored : kIgnoredColumns) {
    if (folded == ignored) return {.ignored = true};
  }
  return {};
}

absl::Status UnknownColumnError(const InputPlace& place, absl::string_view name) {
  std::vector<absl::string_view> names;
  for (const ReadColumn& read : kReadColumns) names.push_back(read.name);
  const std::string nearest = DidYouMean(name, names);
  return ColumnError(place, name,
                     absl::StrCat("unknown", nearest.empty() ? "." : nearest,
                                  " Rename it, remove it, or give --ignore-unknown-columns."));
}

absl::Status RawPosting::Set(PostingColumn column, absl::string_view name, std::string value,
                             const InputPlace& place) {
  Field& field = fields_[static_cast<int>(column)];
  if (!field.name.empty()) {
    return ColumnError(place, name,
                       absl::StrCat("says the same as column '", field.name, "'; keep one of them"));
  }
  field.name = std::string(name);
  field.value = std::move(value);
  return absl::OkStatus();
}

}  // namespace sluice
