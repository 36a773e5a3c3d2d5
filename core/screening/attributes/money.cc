#include "core/screening/attributes/money.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "core/screening/attributes/currency.h"
#include "core/screening/attributes/letter_at.h"

namespace sluice {
namespace {

constexpr absl::string_view kSpaces[] = {" ", "\u00a0", "\u202f", "\u2009"};
constexpr absl::string_view kApostrophes[] = {"'", "’"};
constexpr absl::string_view kConnectors[] = {"-", "–", "—", "to ", "till ", "bis ", "and ", "up to "};

bool IsDigit(absl::string_view text, size_t at) {
  return at < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[at]));
}

template <typename Strings>
size_t LengthOfAny(absl::string_view text, size_t at, const Strings& strings) {
  for (const absl::string_view s : strings) {
    if (absl::StartsWith(text.substr(std::min(at, text.size())), s)) return s.size();
  }
  return 0;
}

size_t SkipSpaces(absl::string_view text, size_t at) {
  while (const size_t length = LengthOfAny(text, at, kSpaces)) at += length;
  return at;
}

bool ThreeDigitsAt(absl::string_view text, size_t at) {
  return IsDigit(text, at) && IsDigit(text, at + 1) && IsDigit(text, at + 2) && !IsDigit(text, at + 3);
}

struct Number {
  double value = 0;
  size_t end = 0;
  bool in_thousands = false;  // written with k
};

// Digits with separators; the last of two kinds of separators is the decimal one, a single one with three
// digits behind it separates thousands.
std::optional<Number> DigitsAt(absl::string_view text, size_t at) {
  std::string digits;
  size_t decimal_from = std::string::npos;
  char last_separator = 0;
  bool mixed = false;
  const size_t begin = at;
  while (at < text.size() && at - begin < 24) {
    if (IsDigit(text, at)) {
      digits += text[at++];
      continue;
    }
    const char c = text[at];
    if ((c == '.' || c == ',') && IsDigit(text, at + 1)) {
      mixed = mixed || (last_separator != 0 && last_separator != c);
      decimal_from =
          ThreeDigitsAt(text, at + 1) && !mixed && digits != "0" ? std::string::npos : digits.size();
      last_separator = c;
      ++at;
      continue;
    }
    const size_t group = std::max(LengthOfAny(text, at, kApostrophes), LengthOfAny(text, at, kSpaces));
    if (group == 0 || !ThreeDigitsAt(text, at + group)) break;
    at += group;
  }
  if (decimal_from != std::string::npos) digits.insert(decimal_from, 1, '.');
  Number number;
  number.end = at;
  if (!absl::SimpleAtod(digits, &number.value)) return std::nullopt;
  return number;
}

std::optional<Number> NumberAt(absl::string_view text, size_t at) {
  std::optional<Number> number = DigitsAt(text, at);
  if (!number.has_value()) return std::nullopt;
  const size_t suffix = SkipSpaces(text, number->end);
  if (absl::StartsWith(text.substr(suffix), "thousand")) {
    number->value *= 1000;
    number->in_thousands = true;
    number->end = suffix + 8;
  } else if (suffix < text.size() && text[suffix] == 'k' && !LetterAt(text, suffix + 1)) {
    number->value *= 1000;
    number->in_thousands = true;
    number->end = suffix + 1;
  } else if (suffix < text.size() &&
             (text[suffix] == '%' || (text[suffix] == 'm' && !LetterAt(text, suffix + 1)) ||
              absl::StartsWith(text.substr(suffix), "mill") || absl::StartsWith(text.substr(suffix), "bn") ||
              absl::StartsWith(text.substr(suffix), "bill"))) {
    return std::nullopt;
  }
  return number;
}

struct Amount {
  Number number;
  absl::string_view currency;
  size_t begin = 0;
  size_t end = 0;
};

std::optional<Amount> AmountAt(absl::string_view text, size_t digit) {
  const std::optional<Number> number = NumberAt(text, digit);
  if (!number.has_value()) return std::nullopt;
  Amount amount{*number, "", digit, number->end};
  size_t before = digit;
  for (const absl::string_view space : kSpaces) {
    if (absl::EndsWith(text.substr(0, digit), space)) before = digit - space.size();
  }
  if (const auto sign = CurrencySignEndingAt(text, before)) {
    amount.currency = sign->currency;
    amount.begin = before - sign->sign.size();
  }
  const size_t after = SkipSpaces(text, number->end);
  if (const auto sign = after < text.size() ? CurrencySignBeginningAt(text, after) : std::nullopt) {
    // "€40 $50": what follows belongs to the next amount when this one has its own sign.
    const bool next_amounts = IsDigit(text, SkipSpaces(text, after + sign->sign.size()));
    if (amount.currency.empty() && !next_amounts) {
      amount.currency = sign->currency;
      amount.end = after + sign->sign.size();
    }
  }
  return amount;
}

// The first digit of the range's other end; npos when there is none.
size_t SecondDigit(absl::string_view text, size_t after_first, size_t first_begin) {
  size_t at = SkipSpaces(text, after_first);
  const size_t connector = LengthOfAny(text, at, kConnectors);
  if (connector == 0) return std::string::npos;
  if (absl::StartsWith(text.substr(at), "and ")) {
    const absl::string_view before =
        text.substr(first_begin < 12 ? 0 : first_begin - 12, std::min<size_t>(12, first_begin));
    if (!absl::StrContains(before, "between") && !absl::StrContains(before, "zwischen"))
      return std::string::npos;
  }
  at = SkipSpaces(text, at + connector);
  if (at < text.size()) {
    if (const auto sign = CurrencySignBeginningAt(text, at)) at = SkipSpaces(text, at + sign->sign.size());
  }
  return IsDigit(text, at) ? at : std::string::npos;
}

// "/h", "/hr", "per hour" between the ends of a range: "$30/hr - $40/hr".
size_t SkipInnerPeriod(absl::string_view text, size_t at) {
  if (at >= text.size() || text[at] != '/') return at;
  ++at;
  while (LetterAt(text, at)) ++at;
  return at;
}

}  // namespace

std::optional<Money> MoneyAt(absl::string_view lowered, size_t digit) {
  const std::optional<Amount> first = AmountAt(lowered, digit);
  if (!first.has_value()) return std::nullopt;
  Money money{first->number.value, std::nullopt, first->currency, first->begin, first->end};
  size_t other = SecondDigit(lowered, first->end, first->begin);
  if (other == std::string::npos)
    other = SecondDigit(lowered, SkipInnerPeriod(lowered, first->end), first->begin);
  if (other == std::string::npos) return money;
  const std::optional<Amount> second = AmountAt(lowered, other);
  if (!second.has_value()) return money;
  double low = first->number.value, high = second->number.value;
  if (second->number.in_thousands && !first->number.in_thousands && low < 1000) low *= 1000;
  if (first->number.in_thousands && !second->number.in_thousands && high < 1000) high *= 1000;
  if (high < low) return money;
  money.first = low;
  money.second = high;
  money.end = second->end;
  if (money.currency.empty()) money.currency = second->currency;
  return money;
}

}  // namespace sluice
