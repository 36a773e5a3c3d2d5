#include "core/screening/attributes/pay.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/screening/attributes/money.h"
#include "core/text/eight_bytes.h"

namespace sluice {
namespace {

constexpr size_t kContextBytes = 64;
constexpr size_t kTailBytes = 32;

// A set of bytes, 64 apart taken for one: what a text must have before it can have a cue. Few contexts have
// all the bytes of a cue without having the cue, and most cues need not be looked for.
constexpr uint64_t BytesOf(absl::string_view text) {
  uint64_t bytes = 0;
  for (const char c : text) bytes |= uint64_t{1} << (static_cast<unsigned char>(c) % 64);
  return bytes;
}

struct Cue {
  // NOLINTNEXTLINE(google-explicit-constructor): lists of cues read as lists of words
  constexpr Cue(const char* cue) : text(cue), bytes(BytesOf(text)) {}
  bool MayStandIn(uint64_t bytes_of_context) const { return (bytes & ~bytes_of_context) == 0; }

  absl::string_view text;
  uint64_t bytes;
};

struct PeriodCue {
  Cue cue;
  SalaryPeriod period;
};

// What may stand behind an amount. Bare units need the connector in the cue; the earliest one wins.
constexpr PeriodCue kPeriodAfter[] = {
    {"/hour", SalaryPeriod::kHour},      {"/hr", SalaryPeriod::kHour},
    {"/h", SalaryPeriod::kHour},         {"/ hour", SalaryPeriod::kHour},
    {"/ hr", SalaryPeriod::kHour},       {"per hour", SalaryPeriod::kHour},
    {"an hour", SalaryPeriod::kHour},    {"every hour", SalaryPeriod::kHour},
    {"each hour", SalaryPeriod::kHour},  {"hourly", SalaryPeriod::kHour},
    {"p.h", SalaryPeriod::kHour},        {"per hr", SalaryPeriod::kHour},
    {"pro stunde", SalaryPeriod::kHour}, {"/std", SalaryPeriod::kHour},
    {"de l'heure", SalaryPeriod::kHour}, {"/day", SalaryPeriod::kDay},
    {"/d", SalaryPeriod::kDay},          {"per day", SalaryPeriod::kDay},
    {"a day", SalaryPeriod::kDay},       {"daily", SalaryPeriod::kDay},
    {"per diem", SalaryPeriod::kDay},    {"each day", SalaryPeriod::kDay},
    {"pro tag", SalaryPeriod::kDay},     {"/ day", SalaryPeriod::kDay},
    {"/week", SalaryPeriod::kWeek},      {"/wk", SalaryPeriod::kWeek},
    {"per week", SalaryPeriod::kWeek},   {"a week", SalaryPeriod::kWeek},
    {"weekly", SalaryPeriod::kWeek},     {"p.w", SalaryPeriod::kWeek},
    {"each week", SalaryPeriod::kWeek},  {"/month", SalaryPeriod::kMonth},
    {"/mo", SalaryPeriod::kMonth},       {"per month", SalaryPeriod::kMonth},
    {"a month", SalaryPeriod::kMonth},   {"each month", SalaryPeriod::kMonth},
    {"monthly", SalaryPeriod::kMonth},   {"every month", SalaryPeriod::kMonth},
    {"p.m", SalaryPeriod::kMonth},       {"pcm", SalaryPeriod::kMonth},
    {"im monat", SalaryPeriod::kMonth},  {"pro monat", SalaryPeriod::kMonth},
    {"par mois", SalaryPeriod::kMonth},  {"/ month", SalaryPeriod::kMonth},
    {"/year", SalaryPeriod::kYear},      {"/yr", SalaryPeriod::kYear},
    {"/y", SalaryPeriod::kYear},         {"per year", SalaryPeriod::kYear},
    {"a year", SalaryPeriod::kYear},     {"per annum", SalaryPeriod::kYear},
    {"p.a", SalaryPeriod::kYear},        {"annually", SalaryPeriod::kYear},
    {"yearly", SalaryPeriod::kYear},     {"annual", SalaryPeriod::kYear},
    {"each year", SalaryPeriod::kYear},  {"pro jahr", SalaryPeriod::kYear},
    {"im jahr", SalaryPeriod::kYear},    {"par an", SalaryPeriod::kYear},
    {"/ year", SalaryPeriod::kYear},     {"/jahr", SalaryPeriod::kYear},
    {"/monat", SalaryPeriod::kMonth},    {"every year", SalaryPeriod::kYear}};

// What may stand before one; the latest wins.
constexpr PeriodCue kPeriodBefore[] = {
    {"hourly", SalaryPeriod::kHour},      {"per hour", SalaryPeriod::kHour},
    {"stundenlohn", SalaryPeriod::kHour}, {"an hour", SalaryPeriod::kHour},
    {"daily", SalaryPeriod::kDay},        {"day rate", SalaryPeriod::kDay},
    {"per day", SalaryPeriod::kDay},      {"tagessatz", SalaryPeriod::kDay},
    {"weekly", SalaryPeriod::kWeek},      {"per week", SalaryPeriod::kWeek},
    {"monthly", SalaryPeriod::kMonth},    {"per month", SalaryPeriod::kMonth},
    {"monatlich", SalaryPeriod::kMonth},  {"a month", SalaryPeriod::kMonth},
    {"annual", SalaryPeriod::kYear},      {"yearly", SalaryPeriod::kYear},
    {"per year", SalaryPeriod::kYear},    {"jahresgehalt", SalaryPeriod::kYear},
    {"a year", SalaryPeriod::kYear},      {"per annum", SalaryPeriod::kYear}};

constexpr Cue kPayCues[] = {"salary",  "pay",    "compensation", "wage",   "remuneration", "earn",
                            "rate",    "gehalt", "vergütung",    "lohn",   "salaire",      "offer",
                            "package", "income", "stipend",      "brutto", "gross"};

constexpr Cue kNoPayCues[] = {
    "bonus",  "equity", "reloc",    "referral", "sign-on",        "signing",    "stock",     "shares",
    "option", "rsu",    "donat",    "revenue",  "turnover",       "budget",     "portfolio", "funding",
    "raised", "series", "fund ",    "asset",    "worth",          "allowance",  "reimburs",  "tuition",
    "401",    "charit", "grant",    "invest",   "valuation",      "sales of",   "deal",      "voucher",
    "prize",  "award",  "client",   "customer", "contract value", "commission", "debt",      "loan",
    "saving", "subsid", "learning", "training", "spend",          "expens",     "insur",     "profit"};

template <typename Cues>
bool ContainsAny(absl::string_view text, const Cues& cues) {
  const uint64_t bytes = BytesOf(text);
  return std::any_of(std::begin(cues), std::end(cues), [&](const Cue& cue) {
    return cue.MayStandIn(bytes) && absl::StrContains(text, cue.text);
  });
}

bool EndsClause(absl::string_view text, size_t at) {
  const char c = text[at];
  if (c == '\n' || c == ';' || c == '!' || c == '?') return true;
  return c == '.' && (at + 1 >= text.size() || text[at + 1] == ' ' || text[at + 1] == '\n');
}

// From the beginning of the sentence, at most kContextBytes, to the amount.
absl::string_view ContextBefore(absl::string_view text, size_t begin, size_t not_before) {
  size_t from = begin;
  while (from > not_before && begin - from < kContextBytes && !EndsClause(text, from - 1)) --from;
  return text.substr(from, begin - from);
}

// To the end of the sentence or the next number, at most kTailBytes.
absl::string_view ContextAfter(absl::string_view text, size_t end) {
  size_t to = end;
  while (to < text.size() && to - end < kTailBytes && !EndsClause(text, to) &&
         !absl::ascii_isdigit(static_cast<unsigned char>(text[to]))) {
    ++to;
  }
  return text.substr(end, to - end);
}

SalaryPeriod PeriodIn(absl::string_view before, absl::string_view after) {
  size_t earliest = after.size();
  SalaryPeriod period = SalaryPeriod::kUnknown;
  const uint64_t bytes_after = BytesOf(after);
  for (const PeriodCue& cue : kPeriodAfter) {
    if (!cue.cue.MayStandIn(bytes_after)) continue;
    const size_t at = after.find(cue.cue.text);
    if (at >= earliest) continue;
    const bool bare_letter = cue.cue.text.size() == 2 && at + 2 < after.size() &&
                             absl::ascii_isalpha(static_cast<unsigned char>(after[at + 2]));
    if (bare_letter) continue;
    earliest = at;
    period = cue.period;
  }
  if (period != SalaryPeriod::kUnknown) return period;
  size_t latest = 0;
  const uint64_t bytes_before = BytesOf(before);
  for (const PeriodCue& cue : kPeriodBefore) {
    if (!cue.cue.MayStandIn(bytes_before)) continue;
    const size_t at = before.rfind(cue.cue.text);
    if (at == absl::string_view::npos || at + 1 <= latest) continue;
    latest = at + 1;
    period = cue.period;
  }
  return period;
}

// Only where the amount leaves no doubt.
SalaryPeriod PeriodOfAmount(double amount) {
  if (amount >= 15'000) return SalaryPeriod::kYear;
  return amount > 0 && amount <= 250 ? SalaryPeriod::kHour : SalaryPeriod::kUnknown;
}

bool Plausible(double amount, SalaryPeriod period) {
  const double yearly = amount * PeriodsPerYear(period);
  return yearly >= 2'000 && yearly <= 100'000'000;
}

struct Candidate {
  Pay pay;
  int strength = 0;
};

// Only the words right behind the amount, up to the next clause, may say that it is no pay: "$5k sign-on
// bonus".
bool SaysNoPay(absl::string_view before, absl::string_view after) {
  const size_t cut =
      std::min({after.find(','), after.find(" plus"), after.find(" and "), after.find('('), after.find('+')});
  const size_t clause =
      std::min({before.rfind(" plus "), before.rfind(','), before.rfind('('), before.rfind('+')});
  absl::string_view near = before;
  if (clause != absl::string_view::npos) {
    const size_t last = std::max(
        {before.rfind(" plus ") + 1, before.rfind(',') + 1, before.rfind('(') + 1, before.rfind('+') + 1});
    near = before.substr(last);
  }
  return ContainsAny(near, kNoPayCues) || ContainsAny(after.substr(0, cut), kNoPayCues);
}

std::optional<Candidate> CandidateOf(absl::string_view text, const Money& money, size_t previous_end,
                                     const std::string& default_currency) {
  const absl::string_view before = ContextBefore(text, money.begin, previous_end);
  const absl::string_view after = ContextAfter(text, money.end);
  if (SaysNoPay(before, after)) return std::nullopt;
  const bool cue = ContainsAny(before, kPayCues) || ContainsAny(after.substr(0, after.find(',')), kPayCues);
  SalaryPeriod period = PeriodIn(before, after);
  const bool explicit_period = period != SalaryPeriod::kUnknown;
  if (!cue && !explicit_period) return std::nullopt;
  if (!explicit_period) period = PeriodOfAmount(money.second.value_or(money.first));
  if (period == SalaryPeriod::kUnknown || !Plausible(money.first, period)) return std::nullopt;
  Candidate candidate;
  Pay& pay = candidate.pay;
  pay.currency = money.currency.empty() ? default_currency : std::string(money.currency);
  if (pay.currency.empty()) return std::nullopt;
  pay.period = period;
  pay.low = money.first;
  pay.high = money.second.value_or(money.first);
  if (!money.second.has_value()) {
    const absl::string_view head = before.substr(before.size() < 14 ? 0 : before.size() - 14);
    constexpr Cue kUpTo[] = {"up to", "maximum", "max ", "bis zu", "no more than"};
    constexpr Cue kFrom[] = {"from ", "starting at", "at least", "minimum", "min ", "ab "};
    if (ContainsAny(head, kUpTo)) pay.low.reset();
    if (ContainsAny(head, kFrom) || absl::StartsWith(after, "+")) pay.high.reset();
  }
  pay.span = {"text", static_cast<int>(money.begin), static_cast<int>(money.end)};
  candidate.strength = (cue ? 2 : 0) + (explicit_period ? 2 : 0) + (money.second.has_value() ? 1 : 0);
  return candidate;
}

std::optional<Pay> PayOfText(absl::string_view text, const std::string& default_currency) {
  std::optional<Candidate> best;
  size_t previous_end = 0;
  for (size_t at = NextDigit(text, 0); at < text.size(); at = NextDigit(text, at + 1)) {
    const std::optional<Money> money = MoneyAt(text, at);
    const bool has_currency = money.has_value() && (!money->currency.empty() || !default_currency.empty());
    if (has_currency) {
      std::optional<Candidate> candidate = CandidateOf(text, *money, previous_end, default_currency);
      if (candidate.has_value() && (!best.has_value() || candidate->strength > best->strength))
        best = candidate;
      previous_end = money->end;
      at = money->end - 1;
      continue;
    }
    while (at + 1 < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[at + 1]))) ++at;
  }
  if (!best.has_value()) return std::nullopt;
  return std::move(best->pay);
}

std::optional<Pay> PayOfColumns(const Posting& posting) {
  if (!posting.min_amount.has_value() && !posting.max_amount.has_value()) return std::nullopt;
  if (posting.currency.empty()) return std::nullopt;
  Pay pay;
  pay.low = posting.min_amount;
  pay.high = posting.max_amount;
  pay.currency = absl::AsciiStrToUpper(posting.currency);
  pay.period = posting.interval != SalaryPeriod::kUnknown
                   ? posting.interval
                   : PeriodOfAmount(posting.max_amount.value_or(posting.min_amount.value_or(0)));
  if (pay.period == SalaryPeriod::kUnknown) return std::nullopt;
  pay.span.field = posting.max_amount.has_value() ? "max_amount" : "min_amount";
  return pay;
}

std::string DescribeRange(const std::optional<double>& low, const std::optional<double>& high) {
  if (!low.has_value()) return absl::StrCat("up to ", WithThousands(*high));
  if (!high.has_value()) return absl::StrCat("from ", WithThousands(*low));
  if (*low == *high) return WithThousands(*low);
  return absl::StrCat(WithThousands(*low), "–", WithThousands(*high));
}

}  // namespace

std::optional<Pay> ReadPay(const Posting& posting, const ScannedText& text) {
  if (std::optional<Pay> pay = PayOfColumns(posting)) return pay;
  return PayOfText(text.lowered, absl::AsciiStrToUpper(posting.currency));
}

double PeriodsPerYear(SalaryPeriod period) {
  switch (period) {
    case SalaryPeriod::kHour:
      return 2080;
    case SalaryPeriod::kDay:
      return 260;
    case SalaryPeriod::kWeek:
      return 52;
    case SalaryPeriod::kMonth:
      return 12;
    case SalaryPeriod::kYear:
    case SalaryPeriod::kUnknown:
      return 1;
  }
  return 1;
}

const char* SalaryPeriodName(SalaryPeriod period) {
  constexpr const char* kNames[] = {"unknown", "hour", "day", "week", "month", "year"};
  return kNames[static_cast<int>(period)];
}

std::optional<YearlyUsd> ToYearlyUsd(const Pay& pay, const CurrencyRates& rates) {
  const std::optional<double> rate = rates.UsdOf(pay.currency);
  if (!rate.has_value()) return std::nullopt;
  const double factor = *rate * PeriodsPerYear(pay.period);
  YearlyUsd yearly;
  if (pay.low.has_value()) yearly.low = *pay.low * factor;
  if (pay.high.has_value()) yearly.high = *pay.high * factor;
  return yearly;
}

std::string DescribePay(const Pay& pay, const CurrencyRates& rates) {
  const std::string own =
      absl::StrCat(pay.currency, " ", DescribeRange(pay.low, pay.high), "/", SalaryPeriodName(pay.period));
  const std::optional<YearlyUsd> yearly = ToYearlyUsd(pay, rates);
  if (!yearly.has_value()) return own;
  if (pay.currency == "USD" && pay.period == SalaryPeriod::kYear) return own;
  return absl::StrCat(own, " = ", DescribeRange(yearly->low, yearly->high), " USD/year");
}

std::string WithThousands(double amount) {
  const double cents = std::round(amount * 100) / 100;
  std::string text =
      cents == std::floor(cents) ? absl::StrFormat("%.0f", cents) : absl::StrFormat("%.2f", cents);
  const size_t point = std::min(text.find('.'), text.size());
  for (size_t at = point; at > 3 + (amount < 0 ? 1u : 0u);) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

}  // namespace sluice
