// What a field's text means: dates, amounts, intervals, booleans. Pure.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "sluice/v1/screening.pb.h"

namespace sluice {

// "2026-01-15", the same with a time behind it, or milliseconds since 1970 as pandas writes them, to
// "2026-01-15".
std::optional<std::string> ParseDate(absl::string_view text);

// A finite amount >= 0: "55000", "55000.0", "55,000".
std::optional<double> ParseAmount(absl::string_view text);

// "hourly", "hour", "HOUR", "yearly", "annual", …
std::optional<v1::SalaryPeriod> ParseInterval(absl::string_view text);

// "True", "false", "1", "0", "1.0", "0.0", "yes", "no".
std::optional<bool> ParseBoolean(absl::string_view text);

// "eur" to "EUR"; exactly three letters.
std::optional<std::string> ParseCurrency(absl::string_view text);

// What pandas and Python write for nothing: "", "nan", "NaN", "None", "NaT", "<NA>".
bool IsAbsent(absl::string_view text);

}  // namespace sluice
