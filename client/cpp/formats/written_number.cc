#include "client/cpp/formats/written_number.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "client/cpp/formats/words.h"

namespace sluice {
namespace {

std::optional<double> Finite(absl::string_view text) {
  double value = 0;
  if (!absl::SimpleAtod(text, &value) || !std::isfinite(value) || value < 0) return std::nullopt;
  return value;
}

// Groups of three, of any size first; with `indian` also groups of two before the last one ("12,00,000").
bool GroupsThousands(const std::vector<absl::string_view>& groups, bool indian) {
  constexpr size_t kGroup = 3;
  if (groups.size() < 2 || groups.front().size() > kGroup || groups.back().size() != kGroup) return false;
  if (!std::all_of(groups.begin(), groups.end(), AllDigits)) return false;
  const auto all_of = [&](size_t digits) {
    return std::all_of(groups.begin() + 1, groups.end() - 1,
                       [&](absl::string_view group) { return group.size() == digits; });
  };
  return all_of(kGroup) || (indian && groups.front().size() < kGroup && all_of(kGroup - 1));
}

// What stands for nothing behind the whole: "55.000,-", "55'000.–", "55.000,--".
absl::string_view WithoutDash(absl::string_view text) {
  for (const absl::string_view dash : {"--", "-", "–", "—"}) {
    absl::string_view rest = text;
    if (!absl::ConsumeSuffix(&rest, dash)) continue;
    if (absl::ConsumeSuffix(&rest, ",") || absl::ConsumeSuffix(&rest, ".")) return rest;
  }
  return text;
}

std::optional<WrittenNumber> Whole(absl::string_view digits) {
  const std::optional<double> value = Finite(digits);
  if (!value.has_value()) return std::nullopt;
  return WrittenNumber{.value = *value};
}

// `whole` and `decimals` are digits or empty, not both.
std::optional<WrittenNumber> WithDecimals(absl::string_view whole, absl::string_view decimals, char mark) {
  if (!(whole.empty() || AllDigits(whole)) || !(decimals.empty() || AllDigits(decimals))) return std::nullopt;
  if (whole.empty() && decimals.empty()) return std::nullopt;
  std::optional<WrittenNumber> number = Whole(absl::StrCat(whole, ".", decimals));
  if (number.has_value() && !decimals.empty())
    number->shows = mark == ',' ? DecimalMark::kComma : DecimalMark::kPoint;
  return number;
}

// "55.000" or "55,000": three digits behind the only mark, at most three before it.
std::optional<WrittenNumber> OfTwoReadings(absl::string_view whole, absl::string_view three, char mark,
                                           DecimalMark decimal) {
  const std::optional<double> fraction = Finite(absl::StrCat(whole, ".", three));
  const std::optional<double> thousands = Finite(absl::StrCat(whole, three));
  if (!fraction.has_value() || !thousands.has_value()) return std::nullopt;
  if (mark == ',') {
    if (decimal != DecimalMark::kComma) return WrittenNumber{.value = *thousands};
    return WrittenNumber{.value = *fraction, .other = thousands, .preferred = false};
  }
  if (decimal == DecimalMark::kPoint) return WrittenNumber{.value = *fraction};
  return WrittenNumber{.value = *thousands, .other = fraction, .preferred = decimal == DecimalMark::kComma};
}

// Digits with one kind of mark.
std::optional<WrittenNumber> OfOneMark(absl::string_view text, char mark, DecimalMark decimal) {
  const std::vector<absl::string_view> groups = absl::StrSplit(text, mark);
  if (groups.size() > 2) {
    if (!GroupsThousands(groups, mark == ',')) return std::nullopt;
    std::optional<WrittenNumber> number = Whole(absl::StrJoin(groups, ""));
    if (number.has_value()) number->shows = mark == ',' ? DecimalMark::kPoint : DecimalMark::kComma;
    return number;
  }
  const absl::string_view whole = groups[0], behind = groups[1];
  // No group of thousands begins with a nought: "0.500" is a half.
  const bool two_readings = GroupsThousands(groups, false) && !absl::StartsWith(whole, "0");
  if (two_readings) return OfTwoReadings(whole, behind, mark, decimal);
  return WithDecimals(whole, behind, mark);
}

// Digits with points and commas: the last one is the decimal mark.
std::optional<WrittenNumber> OfTwoMarks(absl::string_view text) {
  const size_t last = text.find_last_of(".,");
  const char mark = text[last];
  const char group_mark = mark == ',' ? '.' : ',';
  const std::vector<absl::string_view> groups = absl::StrSplit(text.substr(0, last), group_mark);
  if (!GroupsThousands(groups, group_mark == ',')) return std::nullopt;
  std::optional<WrittenNumber> number = WithDecimals(absl::StrJoin(groups, ""), text.substr(last + 1), mark);
  if (number.has_value()) number->shows = mark == ',' ? DecimalMark::kComma : DecimalMark::kPoint;
  return number;
}

// Thousands set apart by spaces or apostrophes: then a mark can only be the decimal one.
std::optional<WrittenNumber> OfSpacedGroups(absl::string_view text, char space) {
  const size_t mark = text.find_first_of(".,");
  const absl::string_view whole = text.substr(0, mark);
  const std::vector<absl::string_view> groups = absl::StrSplit(whole, space);
  if (!GroupsThousands(groups, false)) return std::nullopt;
  const std::string joined = absl::StrJoin(groups, "");
  if (mark == absl::string_view::npos) return Whole(joined);
  return WithDecimals(joined, text.substr(mark + 1), text[mark]);
}

// "5.5e4", as programs write large numbers, and "5,5E+04", as spreadsheets do where the comma is the decimal
// mark.
std::optional<WrittenNumber> WithExponent(absl::string_view text) {
  const size_t mark = text.find_first_of("eE");
  if (mark == absl::string_view::npos || mark == 0) return std::nullopt;
  const std::string mantissa = absl::StrReplaceAll(text.substr(0, mark), {{",", "."}});
  absl::string_view exponent = text.substr(mark + 1);
  if (absl::StartsWith(exponent, "+") || absl::StartsWith(exponent, "-")) exponent.remove_prefix(1);
  const bool one_mark = std::count(mantissa.begin(), mantissa.end(), '.') <= 1;
  if (!one_mark || !AllDigits(exponent) || !AllDigits(absl::StrReplaceAll(mantissa, {{".", ""}})))
    return std::nullopt;
  return Whole(absl::StrCat(mantissa, text.substr(mark)));
}

}  // namespace

std::string WithPlainSpaces(absl::string_view text) {
  const bool ascii =
      std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (ascii) return std::string(absl::StripAsciiWhitespace(text));
  const std::string plain = absl::StrReplaceAll(text, {{"\u00A0", " "},
                                                       {"\u2007", " "},
                                                       {"\u2008", " "},
                                                       {"\u2009", " "},
                                                       {"\u200A", " "},
                                                       {"\u202F", " "},
                                                       {"\u3000", " "},
                                                       {"\u2019", "'"},
                                                       {"\u02BC", "'"},
                                                       {"\uFEFF", ""}});
  return std::string(absl::StripAsciiWhitespace(plain));
}

std::string WithDecimalPoint(std::string number) {
  constexpr size_t kGroup = 3;  // as many decimals as a group of thousands has digits
  const size_t point = number.find('.');
  if (point != std::string::npos && number.size() - point - 1 == kGroup) number.push_back('0');
  return number;
}

std::optional<WrittenNumber> ReadNumber(absl::string_view written, DecimalMark decimal) {
  const std::string plain = WithPlainSpaces(written);
  const absl::string_view text = WithoutDash(plain);
  if (AllDigits(text)) return Whole(text);
  if (std::optional<WrittenNumber> number = WithExponent(text); number.has_value()) return number;
  if (text.find_first_not_of("0123456789., '") != absl::string_view::npos) return std::nullopt;
  for (const char space : {' ', '\''}) {
    if (absl::StrContains(text, space)) return OfSpacedGroups(text, space);
  }
  const bool point = absl::StrContains(text, '.'), comma = absl::StrContains(text, ',');
  if (point && comma) return OfTwoMarks(text);
  if (point || comma) return OfOneMark(text, point ? '.' : ',', decimal);
  return std::nullopt;
}

}  // namespace sluice
