#include "client/cpp/formats/field_values.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_replace.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace sluice {
namespace {

bool AllDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

// "55,000" and "1,234,567.50": commas only where thousands end.
bool CommasGroupThousands(absl::string_view text) {
  const absl::string_view whole = text.substr(0, text.find('.'));
  const size_t first = whole.find(',');
  if (first == absl::string_view::npos) return text.find(',') == absl::string_view::npos;
  if (first == 0 || first > 3) return false;
  for (size_t i = first; i < whole.size(); i += 4) {
    if (whole[i] != ',' || !AllDigits(whole.substr(i + 1, 3)) || whole.size() < i + 4) return false;
  }
  return text.find(',', whole.size()) == absl::string_view::npos;
}

}  // namespace

std::optional<std::string> ParseDate(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  constexpr size_t kMillisecondDigits = 13;
  int64_t milliseconds = 0;
  if ((text.size() == kMillisecondDigits || text.size() == kMillisecondDigits - 1) && AllDigits(text) &&
      absl::SimpleAtoi(text, &milliseconds)) {
    return absl::FormatCivilTime(absl::ToCivilDay(absl::FromUnixMillis(milliseconds), absl::UTCTimeZone()));
  }
  constexpr size_t kDayBytes = 10;
  if (text.size() > kDayBytes && (text[kDayBytes] == 'T' || text[kDayBytes] == ' '))
    text = text.substr(0, kDayBytes);
  if (text.size() != kDayBytes || text[4] != '-' || text[7] != '-') return std::nullopt;
  absl::CivilDay day;
  if (!AllDigits(text.substr(0, 4)) || !absl::ParseCivilTime(text, &day)) return std::nullopt;
  return absl::FormatCivilTime(day);
}

std::optional<double> ParseAmount(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (text.empty() || !(absl::ascii_isdigit(text[0]) || text[0] == '.') || !CommasGroupThousands(text))
    return std::nullopt;
  double amount = 0;
  if (!absl::SimpleAtod(absl::StrReplaceAll(text, {{",", ""}}), &amount)) return std::nullopt;
  if (!std::isfinite(amount) || amount < 0) return std::nullopt;
  return amount;
}

std::optional<v1::SalaryPeriod> ParseInterval(absl::string_view text) {
  const std::string word = absl::AsciiStrToLower(absl::StripAsciiWhitespace(text));
  if (word == "hour" || word == "hourly") return v1::HOUR;
  if (word == "day" || word == "daily") return v1::DAY;
  if (word == "week" || word == "weekly") return v1::WEEK;
  if (word == "month" || word == "monthly") return v1::MONTH;
  if (word == "year" || word == "yearly" || word == "annual" || word == "annually") return v1::YEAR;
  return std::nullopt;
}

std::optional<bool> ParseBoolean(absl::string_view text) {
  const std::string word = absl::AsciiStrToLower(absl::StripAsciiWhitespace(text));
  if (word == "true" || word == "1" || word == "1.0" || word == "yes") return true;
  if (word == "false" || word == "0" || word == "0.0" || word == "no") return false;
  return std::nullopt;
}

std::optional<std::string> ParseCurrency(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (text.size() != 3 || !std::all_of(text.begin(), text.end(), absl::ascii_isalpha)) return std::nullopt;
  return absl::AsciiStrToUpper(text);
}

bool IsAbsent(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  return text.empty() || text == "nan" || text == "NaN" || text == "None" || text == "NaT" || text == "<NA>";
}

}  // namespace sluice
