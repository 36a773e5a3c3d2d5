// The columns of a posting as files write them. One table: every name that is read and every name that is
// known and left out. Any other name is an error, so that a misspelt column is not lost in silence.
//
//   read as       also written
//   date_posted   posted_at
//   description   text
//
// Known and left out: what JobSpy writes besides (site, emails, company_url, …; see kIgnoredColumns in the
// source) and a column without a name, which is a pandas index.
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

// What a name in a header or a JSON object stands for. Case and surrounding blanks do not count.
struct ColumnMeaning {
  std::optional<PostingColumn> column;
  bool ignored = false;  // known and left out
  bool known() const { return column.has_value() || ignored; }
};
ColumnMeaning MeaningOfColumn(absl::string_view name);

// INVALID_ARGUMENT that names place and column, suggests the nearest known name and says how to leave it out.
absl::Status UnknownColumnError(const InputPlace& place, absl::string_view name);

// A posting's fields as text, before they are understood. Absent is not the same as empty only here: both
// mean absent.
class RawPosting {
 public:
  // INVALID_ARGUMENT when the column was set before under another name ("description" and "text").
  absl::Status Set(PostingColumn column, absl::string_view name, std::string value, const InputPlace& place);

  // Text that belongs to the description and stands in a field of its own, such as a JobPosting's skills.
  void AddText(std::string text) { texts_.push_back(std::move(text)); }
  const std::vector<std::string>& texts() const { return texts_; }

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
  std::vector<std::string> texts_;
  bool id_may_repeat_ = false;
};

}  // namespace sluice
