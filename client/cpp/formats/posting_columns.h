// The columns of a posting as files write them. One table: every name that is read and every name that is
// known and left out. Any other name is an error, so that a misspelt column is not lost in silence.
//
//   read as       also written
//   id            job_id, posting_id
//   title         job_title, Titel, Stellentitel
//   company       company_name, employer, employer_name, organization, organisation,
//                 hiring_organization, Firma, Unternehmen, Arbeitgeber
//   location      job_location, Ort, Standort, Arbeitsort
//   date_posted   posted_at, posted_on, posted_date, posting_date, published_at, published_date,
//                 publication_date
//   job_type      employment_type, contract_type, work_type
//   min_amount    min_salary, salary_min, minimum_salary, min_pay; max_amount alike
//   currency      salary_currency, pay_currency, Währung
//   interval      pay_period, pay_interval, pay_frequency, salary_period, salary_interval, salary_unit
//   is_remote     remote, remote_allowed
//   job_url       url, link, job_link, posting_url, job_posting_url
//   description   text, job_description, Beschreibung, Stellenbeschreibung
//
// Known and left out: what JobSpy writes besides (site, emails, company_url, …; see kIgnoredColumns in the
// source) and columns without a name, which are a pandas index or a spreadsheet's empty columns.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/cpp/formats/input_place.h"

namespace sluice {

enum class PostingColumn {
  kId,
  kTitle,
  kCompany,
  kLocation,
  kDatePosted,
  kJobType,
  kMinAmount,
  kMaxAmount,
  kCurrency,
  kInterval,
  kIsRemote,
  kJobUrl,
  kDescription,
};
inline constexpr int kNumPostingColumns = 13;

// What a name in a header or a JSON object stands for. Case, blanks, '_' and '-' do not count: "Job URL" and
// "jobUrl" are job_url.
struct ColumnMeaning {
  std::optional<PostingColumn> column;
  bool ignored = false;  // known and left out
  bool known() const { return column.has_value() || ignored; }
};
ColumnMeaning MeaningOfColumn(absl::string_view name);

// "date_posted".
absl::string_view NameOfColumn(PostingColumn column);

// INVALID_ARGUMENT that names place and column, suggests the nearest known name and says how to leave it out.
absl::Status UnknownColumnError(const InputPlace& place, absl::string_view name);

// A posting's fields as text, before they are understood. Absent is not the same as empty only here: both
// mean absent.
class RawPosting {
 public:
  // INVALID_ARGUMENT when the column was set before.
  absl::Status Set(PostingColumn column, absl::string_view name, std::string value, const InputPlace& place);

  // Where the column was set before under another name ("description" and "text"), the column's own name
  // counts, else the first one. Returns the name that does not.
  std::optional<std::string> Offer(PostingColumn column, absl::string_view name, std::string value);

  // Text that belongs to the description and stands in a field of its own, such as a JobPosting's skills.
  struct FurtherText {
    std::string name;
    std::string text;
  };
  void AddText(std::string name, std::string text) { texts_.push_back({std::move(name), std::move(text)}); }
  const std::vector<FurtherText>& texts() const { return texts_; }

  // Whether another posting may have the same id by right, as a JobPosting's identifier is its employer's
  // own.
  bool id_may_repeat() const { return id_may_repeat_; }
  void LetIdRepeat() { id_may_repeat_ = true; }

  // "" when absent.
  const std::string& Value(PostingColumn column) const { return fields_[static_cast<int>(column)].value; }
  // As the file wrote it, for errors.
  const std::string& Name(PostingColumn column) const { return fields_[static_cast<int>(column)].name; }
  // The same field with another text.
  void Replace(PostingColumn column, std::string value) {
    fields_[static_cast<int>(column)].value = std::move(value);
  }
  std::string Take(PostingColumn column) { return std::move(fields_[static_cast<int>(column)].value); }

 private:
  struct Field {
    std::string name;
    std::string value;
  };
  std::array<Field, kNumPostingColumns> fields_;
  std::vector<FurtherText> texts_;
  bool id_may_repeat_ = false;
};

}  // namespace sluice
