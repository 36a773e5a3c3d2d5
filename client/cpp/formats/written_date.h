// Days as people, spreadsheets and programs write them. Pure.
//
//   2026-11-02   2026-11-02T08:00:00.000Z   2026-11-02 08:00   2026/11/02   2026. 11. 02.   20261102
//   02.11.2026   2.11.26   25/12/2026   12/25/2026   25-12-2026   11/2/2026 12:00:00 AM
//   2 November 2026   Nov 2nd, 2026   02-Nov-26   2. März 2026   Mon, 02 Nov 2026 08:00:00 GMT
//   1793577600 (also milli-, micro- and nanoseconds since 1970)   46328 (a spreadsheet's day)
//
// A time of day and its zone are left out: the day is the one that is written. "02/11/2026" can be read in
// two ways; it is read only where the order is known. Point dates have the day first. Months have their
// English, German, French, Spanish, Italian, Dutch and Portuguese names.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

enum class DateOrder { kUnknown, kDayFirst, kMonthFirst };

// "2026-11-02", or nothing where `text` is no day or can be read in two ways.
std::optional<std::string> ParseDate(absl::string_view text, DateOrder order = DateOrder::kUnknown);

// Only "2026-11-02", alone or with a time or a zone behind it.
std::optional<std::string> ParseIsoDate(absl::string_view text);

// What this text alone proves: "25/12/2026" that the day comes first.
DateOrder OrderShownBy(absl::string_view text);

// "02/11/2026": one day or another, by the order.
bool IsOfTwoDays(absl::string_view text);

}  // namespace sluice
