#include "client/cpp/formats/written_date.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "client/cpp/formats/utf8.h"
#include "client/cpp/formats/words.h"
#include "client/cpp/formats/written_number.h"

namespace sluice {
namespace {

std::optional<absl::CivilDay> DayOf(int64_t year, int64_t month, int64_t day) {
  const absl::CivilDay civil(year, static_cast<int>(month), static_cast<int>(day));
  // CivilDay carries the 31st of June over to the 1st of July.
  if (civil.year() != year || civil.month() != month || civil.day() != day) return std::nullopt;
  return civil;
}

// A year of two digits belongs to this century, for postings are new, but where it would be far ahead.
int64_t FullYear(absl::string_view digits, int64_t year) {
  constexpr int64_t kFirstOfLastCentury = 70;
  if (digits.size() != 2) return year;
  return year < kFirstOfLastCentury ? 2000 + year : 1900 + year;
}

// Three numbers with one mark between them.
struct Numeric {
  int64_t first = 0, second = 0, third = 0;
  char mark = 0;
  bool year_first = false;
};

// Up to where a time of day begins.
absl::string_view DayPart(absl::string_view text) {
  constexpr size_t kCompactDay = 8;  // "20261102T080000Z"
  if (text.size() > kCompactDay && text[kCompactDay] == 'T' && AllDigits(text.substr(0, kCompactDay)))
    return text.substr(0, kCompactDay);
  const size_t colon = text.find(':');
  if (colon != absl::string_view::npos) {
    size_t begin = colon;
    while (begin > 0 && absl::ascii_isdigit(text[begin - 1])) --begin;
    text = text.substr(0, begin);
    absl::ConsumeSuffix(&text, "T");
    absl::ConsumeSuffix(&text, "t");
  }
  text = absl::StripAsciiWhitespace(text);
  absl::ConsumeSuffix(&text, ",");
  return text;
}

std::optional<Numeric> NumericDate(absl::string_view written) {
  // "2026. 11. 02." and "2. 11. 2026" have spaces behind their points.
  std::string text = absl::StrReplaceAll(DayPart(written), {{". ", "."}});
  if (absl::EndsWith(text, ".")) text.pop_back();
  const size_t at = text.find_first_of("-./");
  if (at == std::string::npos) return std::nullopt;
  const std::vector<absl::string_view> parts = absl::StrSplit(text, text[at]);
  constexpr size_t kParts = 3;
  if (parts.size() != kParts || !std::all_of(parts.begin(), parts.end(), AllDigits)) return std::nullopt;
  Numeric out{.mark = text[at], .year_first = parts[0].size() == 4};
  const absl::string_view year = out.year_first ? parts[0] : parts[2];
  // "02-11-26" may begin with its year.
  const bool short_year = year.size() == 2 && out.mark != '-';
  if (year.size() != 4 && !short_year) return std::nullopt;
  for (const absl::string_view part : {parts[1], out.year_first ? parts[2] : parts[0]}) {
    if (part.size() > 2) return std::nullopt;
  }
  if (!absl::SimpleAtoi(parts[0], &out.first) || !absl::SimpleAtoi(parts[1], &out.second) ||
      !absl::SimpleAtoi(parts[2], &out.third)) {
    return std::nullopt;
  }
  if (!out.year_first) out.third = FullYear(year, out.third);
  return out;
}

DateOrder OrderOf(const Numeric& date) {
  constexpr int64_t kMonths = 12;
  if (date.year_first) return DateOrder::kUnknown;
  if (date.mark == '.' || date.first > kMonths) return DateOrder::kDayFirst;
  return date.second > kMonths ? DateOrder::kMonthFirst : DateOrder::kUnknown;
}

bool OfTwoDays(const Numeric& date) {
  return !date.year_first && OrderOf(date) == DateOrder::kUnknown && date.first != date.second;
}

std::optional<absl::CivilDay> DayOfNumeric(const Numeric& date, DateOrder order) {
  if (date.year_first) return DayOf(date.first, date.second, date.third);
  if (OfTwoDays(date) && order == DateOrder::kUnknown) return std::nullopt;
  const DateOrder shown = OrderOf(date);
  const bool month_first = (shown == DateOrder::kUnknown ? order : shown) == DateOrder::kMonthFirst;
  return month_first ? DayOf(date.third, date.first, date.second)
                     : DayOf(date.third, date.second, date.first);
}

constexpr absl::string_view kMonthNames[12] = {
    "jan january januar jän jänner janvier janv enero ene gennaio gen januari janeiro",
    "feb february februar feber février févr fev febrero febbraio februari fevereiro",
    "mar march märz mär mrz maerz mars marzo maart mrt março",
    "apr april avril avr abril abr aprile",
    "may mai mayo maggio mag mei maio",
    "jun june juni juin junio giugno giu junho",
    "jul july juli juillet juil julio luglio lug julho",
    "aug august août aout agosto ago augustus",
    "sep sept september septembre septiembre settembre set setembro",
    "oct october okt oktober octobre octubre ottobre ott outubro out",
    "nov november novembre noviembre novembro",
    "dec december dez dezember déc décembre diciembre dic dicembre dezembro"};

// 1 to 12; 0 for another word.
int MonthOf(absl::string_view folded) {
  for (int month = 1; month <= 12; ++month) {
    for (const absl::string_view name : absl::StrSplit(kMonthNames[month - 1], ' ')) {
      if (folded == name) return month;
    }
  }
  return 0;
}

struct NamedParts {
  int month = 0;
  std::vector<absl::string_view> numbers;
};

// Of "mon, 02 nov 2026"; absent when another word than a weekday stands in it.
std::optional<NamedParts> PartsOfNamed(absl::string_view folded) {
  NamedParts out;
  constexpr size_t kMaxWords = 6;
  const std::vector<absl::string_view> words =
      absl::StrSplit(folded, absl::ByAnyChar(" .,-/"), absl::SkipEmpty());
  if (words.size() > kMaxWords) return std::nullopt;
  for (size_t i = 0; i < words.size(); ++i) {
    absl::string_view word = words[i];
    if (absl::ascii_isdigit(word[0])) {
      for (const absl::string_view ordinal : {"st", "nd", "rd", "th", "er", "º"}) {
        if (absl::ConsumeSuffix(&word, ordinal)) break;
      }
      if (!AllDigits(word)) return std::nullopt;
      out.numbers.push_back(word);
    } else if (const int month = MonthOf(word); month > 0 && out.month == 0) {
      out.month = month;
    } else if (i > 0 && word != "of" && word != "de") {
      return std::nullopt;  // only the first may be a weekday
    }
  }
  return out.month > 0 && out.numbers.size() == 2 ? std::optional(out) : std::nullopt;
}

// "2 November 2026", "Nov 2nd, 2026", "2026 Nov 2".
std::optional<absl::CivilDay> DayOfNamed(absl::string_view text) {
  constexpr size_t kLongest = 64;
  if (text.size() > kLongest) return std::nullopt;
  const std::string folded = FoldedCase(DayPart(text));
  const std::optional<NamedParts> parts = PartsOfNamed(folded);
  if (!parts.has_value()) return std::nullopt;
  const bool year_first = parts->numbers[0].size() == 4;
  const absl::string_view year = parts->numbers[year_first ? 0 : 1];
  const absl::string_view day = parts->numbers[year_first ? 1 : 0];
  int64_t year_number = 0, day_number = 0;
  if ((year.size() != 4 && year.size() != 2) || day.size() > 2) return std::nullopt;
  if (!absl::SimpleAtoi(year, &year_number) || !absl::SimpleAtoi(day, &day_number)) return std::nullopt;
  return DayOf(FullYear(year, year_number), parts->month, day_number);
}

// A count since some day, or the eight digits of a date.
std::optional<absl::CivilDay> DayOfNumber(absl::string_view text) {
  const std::optional<WrittenNumber> number = ReadNumber(text, DecimalMark::kPoint);
  if (!number.has_value()) return std::nullopt;
  const double value = std::floor(number->value);
  constexpr double kFirstSheetDay = 36526, kLastSheetDay = 73050;  // of 2000 to 2099
  if (value >= kFirstSheetDay && value <= kLastSheetDay)
    return absl::CivilDay(1899, 12, 30) + static_cast<int64_t>(value);
  constexpr double kFirstCompact = 19'700'101, kLastCompact = 20'991'231;
  if (value >= kFirstCompact && value <= kLastCompact) {
    const auto digits = static_cast<int64_t>(value);
    return DayOf(digits / 10'000, digits / 100 % 100, digits % 100);
  }
  // From 1973 to 2100 the four units have numbers of their own.
  for (const double per_second : {1.0, 1e3, 1e6, 1e9}) {
    const double seconds = value / per_second;
    constexpr double kEarliest = 1e8, kLatest = 4'102'444'800;
    if (seconds >= kEarliest && seconds < kLatest)
      return absl::ToCivilDay(absl::FromUnixSeconds(static_cast<int64_t>(seconds)), absl::UTCTimeZone());
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> ParseIsoDate(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  constexpr size_t kDayBytes = 10;
  // A time behind it, or a zone alone, as XML has it: "2026-11-02+01:00".
  constexpr absl::string_view kWestOfUtc = "-08:00";
  const absl::string_view behind = text.substr(std::min(text.size(), kDayBytes));
  const bool west = absl::StartsWith(behind, "-") && behind.size() == kWestOfUtc.size() && behind[3] == ':';
  if (!behind.empty() && (west || absl::StrContains("Tt Zz+", behind.substr(0, 1))))
    text = text.substr(0, kDayBytes);
  if (text.size() != kDayBytes || text[4] != '-' || text[7] != '-') return std::nullopt;
  absl::CivilDay day;
  if (!AllDigits(text.substr(0, 4)) || !absl::ParseCivilTime(text, &day)) return std::nullopt;
  return absl::FormatCivilTime(day);
}

std::optional<std::string> ParseDate(absl::string_view written, DateOrder order) {
  if (std::optional<std::string> iso = ParseIsoDate(written); iso.has_value()) return iso;
  const std::string text =
      absl::StrReplaceAll(WithPlainSpaces(written), {{"年", "-"}, {"月", "-"}, {"日", ""}});
  std::optional<absl::CivilDay> day;
  if (const std::optional<Numeric> numeric = NumericDate(text); numeric.has_value()) {
    day = DayOfNumeric(*numeric, order);
  } else if (day = DayOfNamed(text); !day.has_value()) {
    day = DayOfNumber(DayPart(text));
  }
  if (!day.has_value()) return std::nullopt;
  return absl::FormatCivilTime(*day);
}

DateOrder OrderShownBy(absl::string_view text) {
  const std::optional<Numeric> date = NumericDate(WithPlainSpaces(text));
  return date.has_value() ? OrderOf(*date) : DateOrder::kUnknown;
}

bool IsOfTwoDays(absl::string_view text) {
  const std::optional<Numeric> date = NumericDate(WithPlainSpaces(text));
  return date.has_value() && OfTwoDays(*date) && date->first > 0 && date->second > 0;
}

}  // namespace sluice
