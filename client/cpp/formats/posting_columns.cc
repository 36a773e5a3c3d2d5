#include "client/cpp/formats/posting_columns.h"

#include <iterator>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "client/cpp/formats/spelling.h"
#include "client/cpp/formats/utf8.h"
#include "client/cpp/formats/written_number.h"

namespace sluice {
namespace {

struct ReadColumn {
  absl::string_view names;
  PostingColumn column;
};

// Folded; each column's own name first.
constexpr ReadColumn kReadColumns[] = {
    {"id jobid postingid", PostingColumn::kId},
    {"title jobtitle titel stellentitel", PostingColumn::kTitle},
    {"company companyname employer employername organization organisation hiringorganization firma "
     "unternehmen "
     "arbeitgeber",
     PostingColumn::kCompany},
    {"location joblocation ort standort arbeitsort", PostingColumn::kLocation},
    {"dateposted postedat postedon posteddate postingdate publishedat publisheddate publicationdate",
     PostingColumn::kDatePosted},
    {"jobtype employmenttype contracttype worktype", PostingColumn::kJobType},
    {"minamount minsalary salarymin minimumsalary minpay", PostingColumn::kMinAmount},
    {"maxamount maxsalary salarymax maximumsalary maxpay", PostingColumn::kMaxAmount},
    {"currency salarycurrency paycurrency währung", PostingColumn::kCurrency},
    {"interval payperiod payinterval payfrequency salaryperiod salaryinterval salaryunit",
     PostingColumn::kInterval},
    {"isremote remote remoteallowed", PostingColumn::kIsRemote},
    {"joburl url link joblink postingurl jobpostingurl", PostingColumn::kJobUrl},
    {"description text jobdescription beschreibung stellenbeschreibung", PostingColumn::kDescription},
};

// In the order of PostingColumn; what a misspelt name is compared with.
constexpr absl::string_view kNames[kNumPostingColumns] = {
    "id",         "title",    "company",  "location",  "date_posted", "job_type",   "min_amount",
    "max_amount", "currency", "interval", "is_remote", "job_url",     "description"};

constexpr absl::string_view kIgnoredColumns[] = {
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

std::string Folded(absl::string_view name) {
  return absl::StrReplaceAll(FoldedCase(WithPlainSpaces(name)),
                             {{"_", ""}, {" ", ""}, {"-", ""}, {"\t", ""}, {"\r", ""}, {"\n", ""}});
}

// Folded name -> meaning.
const absl::flat_hash_map<std::string, ColumnMeaning>& Meanings() {
  static const auto* const kMeanings = [] {
    auto* meanings = new absl::flat_hash_map<std::string, ColumnMeaning>();
    for (const ReadColumn& read : kReadColumns) {
      for (const absl::string_view name : absl::StrSplit(read.names, ' '))
        meanings->emplace(std::string(name), ColumnMeaning{.column = read.column});
    }
    for (const absl::string_view name : kIgnoredColumns)
      meanings->emplace(Folded(name), ColumnMeaning{.ignored = true});
    return meanings;
  }();
  return *kMeanings;
}

// As pandas and spreadsheets call what has no name.
bool IsUnnamed(absl::string_view folded) {
  if (!absl::ConsumePrefix(&folded, "unnamed:")) return false;
  return folded.find_first_not_of("0123456789") == absl::string_view::npos;
}

}  // namespace

ColumnMeaning MeaningOfColumn(absl::string_view name) {
  constexpr size_t kLongest = 64;  // no name that is known is
  if (name.size() > kLongest) return {};
  const std::string folded = Folded(name);
  if (folded.empty() || IsUnnamed(folded)) return {.ignored = true};
  const auto found = Meanings().find(folded);
  return found == Meanings().end() ? ColumnMeaning{} : found->second;
}

absl::string_view NameOfColumn(PostingColumn column) {
  return kNames[static_cast<int>(column)];
}

absl::Status UnknownColumnError(const InputPlace& place, absl::string_view name) {
  std::vector<absl::string_view> names(std::begin(kNames), std::end(kNames));
  names.insert(names.end(), {"posted_at", "text"});
  const std::string nearest = DidYouMean(name, names);
  return ColumnError(place, name,
                     absl::StrCat("unknown", nearest.empty() ? "." : nearest,
                                  " Rename it, remove it, or give --ignore-unknown-columns."));
}

absl::Status RawPosting::Set(PostingColumn column, absl::string_view name, std::string value,
                             const InputPlace& place) {
  const std::string before = Name(column);
  if (!Offer(column, name, std::move(value)).has_value()) return absl::OkStatus();
  return ColumnError(place, name, absl::StrCat("says the same as column '", before, "'; keep one of them"));
}

std::optional<std::string> RawPosting::Offer(PostingColumn column, absl::string_view name,
                                             std::string value) {
  Field& field = fields_[static_cast<int>(column)];
  const bool first = field.name.empty();
  if (!first && Folded(name) != Folded(NameOfColumn(column))) return std::string(name);
  std::optional<std::string> before;
  if (!first) before = std::move(field.name);
  field.name = std::string(name);
  field.value = std::move(value);
  return before;
}

}  // namespace sluice
