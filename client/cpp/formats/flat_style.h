// FlatStyle: in which country's way a file writes what can be read in two ways. Pure.
#pragma once

#include "absl/strings/string_view.h"
#include "client/cpp/formats/posting_columns.h"
#include "client/cpp/formats/written_date.h"
#include "client/cpp/formats/written_number.h"

namespace sluice {

struct FlatStyle {
  DecimalMark decimal = DecimalMark::kUnknown;
  DateOrder dates = DateOrder::kUnknown;
  // Unknown because both ways are proved: then no hint tells it either.
  bool decimal_is_mixed = false;
  bool dates_are_mixed = false;
};

// What a file's values tell about its way. Proofs: an amount such as "1.234,50" proves the decimal comma,
// "1,234.50" the point, "25/12/2026" that the day comes first; what is proved both ways is unknown. Hints,
// where nothing is proved: a ';' between columns, "FALSCH" and days such as "02.11.2026" come from where the
// comma is the decimal mark, and there the day comes first.
class StyleEvidence {
 public:
  void See(const RawPosting& row);
  void SeeDelimiter(char delimiter) { hints_at_comma_ |= delimiter == ';'; }

  // `otherwise` counts where nothing is proved here, and before hints.
  FlatStyle Style(FlatStyle otherwise = {}) const;

 private:
  void SeeAmount(absl::string_view text);

  bool comma_ = false, point_ = false;
  bool day_first_ = false, month_first_ = false;
  bool hints_at_comma_ = false;
};

}  // namespace sluice
