// What a field's text means: amounts, intervals, currencies, booleans, and words for nothing. Pure. Dates
// stand in written_date.h, bare numbers in written_number.h.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "client/cpp/formats/written_number.h"
#include "sluice/v1/screening.pb.h"

namespace sluice {

// How often an amount is paid. Biweekly pay is 26 times a year's: its amounts are said as YEAR, times 26.
struct PayInterval {
  v1::SalaryPeriod period = v1::SALARY_PERIOD_UNSPECIFIED;
  double times = 1;
  bool operator==(const PayInterval&) const = default;
};

// "hourly", "HOURS", "per hour", "/h", "pro Stunde", "ANNUM", "p.a.", "biweekly" (26 a year), "semi-monthly"
// (24), "quarterly" (4), … in English, German, French, Spanish, Italian and Dutch. "bimonthly" is nothing: it
// is twice a month to some and every other month to others.
std::optional<PayInterval> ParseInterval(absl::string_view text);

// An ISO 4217 code in any case, a sign ("£", "$" for USD, "C$"), or a name ("euros", "Pfund").
std::optional<std::string> ParseCurrency(absl::string_view text);

// An amount with what people write beside it.
struct WrittenAmount {
  WrittenNumber number;
  std::string currency;                 // "" when none is written
  std::optional<PayInterval> interval;  // absent when none is written
};

// "55000", "€ 55.000", "55,000 USD", "55k", "60 Tsd. €", "12 LPA", "£15.50 per hour", "45000/yr". Absent for
// less than 0, a range, and what has another word in it.
std::optional<WrittenAmount> ParseAmount(absl::string_view text, DecimalMark decimal);

// "True", "no", "1.0", "FALSCH", "vrai", "sí", … and for a work place "remote" and "on-site".
std::optional<bool> ParseBoolean(absl::string_view text);

// Whether the word for yes or no is one that only files of a decimal comma have: "WAHR", "FAUX".
bool IsCommaBoolean(absl::string_view text);

// What pandas, spreadsheets, databases and people write for nothing: "", "nan", "None", "NaT", "<NA>", "N/A",
// "null", "#NV", "\N", "-", "k.A.", …
bool IsAbsent(absl::string_view text);

}  // namespace sluice
