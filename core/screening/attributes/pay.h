// Pay: what a posting pays, from its structured fields or its text. Pure.
#pragma once

#include <optional>
#include <string>

#include "core/screening/attributes/currency.h"
#include "core/screening/attributes/span.h"
#include "core/screening/phrases.h"
#include "core/screening/posting.h"

namespace sluice {

// A range in the posting's own unit. At least one end is there; "up to 80k" has no low end, "from 60k" no
// high one.
struct Pay {
  std::optional<double> low;
  std::optional<double> high;
  std::string currency;  // ISO 4217
  SalaryPeriod period = SalaryPeriod::kYear;
  Span span;
};

// Structured fields win where they hold amount, currency and period (a period that is not given is taken from
// an amount that leaves no doubt). In the text: amount × currency × period; bonuses, equity, revenue and the
// like are no pay. nullopt: the posting does not say, or not in a known currency.
std::optional<Pay> ReadPay(const Posting& posting, const ScannedText& text);

// How many of the period a year has: hour 2080, day 260, week 52, month 12.
double PeriodsPerYear(SalaryPeriod period);
const char* SalaryPeriodName(SalaryPeriod period);  // "hour"

// In USD a year; an end is absent when the pay's is, nullopt altogether when the currency has no rate.
struct YearlyUsd {
  std::optional<double> low;
  std::optional<double> high;
};
std::optional<YearlyUsd> ToYearlyUsd(const Pay& pay, const CurrencyRates& rates);

// "EUR 45/hour = 102,960 USD/year"; without the conversion when `rates` has none.
std::string DescribePay(const Pay& pay, const CurrencyRates& rates);

// 102960 → "102,960"; at most two decimals.
std::string WithThousands(double amount);

}  // namespace sluice
