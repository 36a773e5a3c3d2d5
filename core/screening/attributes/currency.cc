#include "core/screening/attributes/currency.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "core/screening/attributes/letter_at.h"

namespace sluice {
namespace {

struct ShippedRate {
  const char* currency;
  double usd;
};

// Rounded rates of 2025, good enough to tell 60,000 from 80,000; a profile's currency_rates replace them.
constexpr ShippedRate kShippedRates[] = {
    {"USD", 1.0},    {"EUR", 1.1},   {"GBP", 1.27},  {"CHF", 1.12},  {"CAD", 0.73},   {"AUD", 0.65},
    {"NZD", 0.6},    {"SEK", 0.095}, {"NOK", 0.094}, {"DKK", 0.147}, {"PLN", 0.25},   {"CZK", 0.043},
    {"HUF", 0.0027}, {"RON", 0.22},  {"BGN", 0.56},  {"INR", 0.012}, {"JPY", 0.0067}, {"CNY", 0.14},
    {"SGD", 0.74},   {"HKD", 0.128}, {"ILS", 0.27},  {"BRL", 0.18},  {"MXN", 0.055},  {"ZAR", 0.055},
    {"AED", 0.272},  {"TRY", 0.03}};

// Longest first, so that "ca$" is found before "$".
constexpr CurrencySign kSigns[] = {
    {"pounds", "GBP"}, {"dollars", "USD"}, {"francs", "CHF"}, {"euros", "EUR"}, {"zloty", "PLN"},
    {"cad$", "CAD"},   {"cad $", "CAD"},   {"usd $", "USD"},  {"aud $", "AUD"}, {"euro", "EUR"},
    {"us $", "USD"},   {"ca$", "CAD"},     {"us$", "USD"},    {"au$", "AUD"},   {"nz$", "NZD"},
    {"hk$", "HKD"},    {"sfr", "CHF"},     {"usd", "USD"},    {"eur", "EUR"},   {"gbp", "GBP"},
    {"chf", "CHF"},    {"cad", "CAD"},     {"aud", "AUD"},    {"nzd", "NZD"},   {"sek", "SEK"},
    {"nok", "NOK"},    {"dkk", "DKK"},     {"pln", "PLN"},    {"czk", "CZK"},   {"huf", "HUF"},
    {"ron", "RON"},    {"bgn", "BGN"},     {"inr", "INR"},    {"jpy", "JPY"},   {"cny", "CNY"},
    {"rmb", "CNY"},    {"sgd", "SGD"},     {"hkd", "HKD"},    {"ils", "ILS"},   {"brl", "BRL"},
    {"mxn", "MXN"},    {"zar", "ZAR"},     {"aed", "AED"},    {"try", "TRY"},   {"€", "EUR"},
    {"₹", "INR"},      {"₪", "ILS"},       {"zł", "PLN"},     {"c$", "CAD"},    {"a$", "AUD"},
    {"s$", "SGD"},     {"r$", "BRL"},      {"£", "GBP"},      {"¥", "JPY"},     {"$", "USD"}};

bool MayBelongToSign(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '$' || byte >= 0x80 || absl::ascii_isalpha(byte);
}

}  // namespace

CurrencyRates::CurrencyRates(const std::vector<CurrencyRate>& overrides) {
  for (const ShippedRate& rate : kShippedRates) usd_[rate.currency] = rate.usd;
  for (const CurrencyRate& rate : overrides) usd_[absl::AsciiStrToUpper(rate.currency)] = rate.usd;
}

std::optional<double> CurrencyRates::UsdOf(absl::string_view currency) const {
  const auto found = usd_.find(absl::AsciiStrToUpper(currency));
  if (found == usd_.end()) return std::nullopt;
  return found->second;
}

std::optional<CurrencySign> CurrencySignEndingAt(absl::string_view lowered, size_t end) {
  if (end == 0 || !MayBelongToSign(lowered[end - 1])) return std::nullopt;
  const absl::string_view before = lowered.substr(0, end);
  for (const CurrencySign& sign : kSigns) {
    if (sign.sign.back() != before.back() || !absl::EndsWith(before, sign.sign)) continue;
    const size_t begin = end - sign.sign.size();
    if (LetterAt(sign.sign, 0) && begin > 0 && LetterAt(lowered, begin - 1)) continue;
    return sign;
  }
  return std::nullopt;
}

std::optional<CurrencySign> CurrencySignBeginningAt(absl::string_view lowered, size_t begin) {
  if (begin >= lowered.size() || !MayBelongToSign(lowered[begin])) return std::nullopt;
  const absl::string_view after = lowered.substr(begin);
  for (const CurrencySign& sign : kSigns) {
    if (sign.sign.front() != after.front() || !absl::StartsWith(after, sign.sign)) continue;
    if (LetterAt(sign.sign, sign.sign.size() - 1) && LetterAt(lowered, begin + sign.sign.size())) continue;
    return sign;
  }
  return std::nullopt;
}

}  // namespace sluice
