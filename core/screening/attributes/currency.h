// Currencies: rates to USD and the signs that texts write.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/screening/profile.h"

namespace sluice {

// USD of one unit: a shipped table of rounded rates, overridden currency by currency. Immutable.
class CurrencyRates {
 public:
  explicit CurrencyRates(const std::vector<CurrencyRate>& overrides = {});

  std::optional<double> UsdOf(
      absl::string_view currency) const;  // nullopt: unknown, never taken for another one

 private:
  std::map<std::string, double, std::less<>> usd_;
};

struct CurrencySign {
  absl::string_view sign;      // lower case, UTF-8
  absl::string_view currency;  // ISO 4217
};

// The sign that ends at `end` of a lowered text, or that begins at `begin`; letters must stand free. The
// longest wins ("ca$" before "$"). nullopt: none.
std::optional<CurrencySign> CurrencySignEndingAt(absl::string_view lowered, size_t end);
std::optional<CurrencySign> CurrencySignBeginningAt(absl::string_view lowered, size_t begin);

}  // namespace sluice
