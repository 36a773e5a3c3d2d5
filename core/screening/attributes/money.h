// Money in lowered text: an amount or a range of amounts with its currency, and where it stands. Pure.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

struct Money {
  double first = 0;
  std::optional<double> second;  // of a range
  absl::string_view currency;    // ISO 4217, "" when none is written
  size_t begin = 0;              // currency included
  size_t end = 0;
};

// The amount whose first digit is at `digit`: "80k", "1,000.50", "1.000,50", "1'000", "$40,000 - $48,000",
// "80-100k EUR", "between 60 and 70k". nullopt: no amount ("40%", "3rd").
std::optional<Money> MoneyAt(absl::string_view lowered, size_t digit);

}  // namespace sluice
