// What `sluice load` sends, and when: decided before anything is sent, from a seed, so that two runs ask the
// same of a server. Pure.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sluice {

enum class Arrivals { kPoisson, kFixed };

// When calls are due, counted from a step's start. A call is due whether or not the ones before it were
// answered.
class ArrivalTimes {
 public:
  // `rate` calls a second, > 0. Poisson arrivals are those of many clients that do not know of each other.
  ArrivalTimes(Arrivals arrivals, double rate, uint64_t seed);
  // Ascending.
  absl::Duration Next();

 private:
  const Arrivals arrivals_;
  const double rate_;
  std::mt19937_64 random_;
  double seconds_ = 0;
};

// Texts of so many words make up this share of all.
struct TextLength {
  int words = 1;      // 1..4096
  double weight = 1;  // > 0
};

// "16:70,64:25,200:5" is words:weight, …; INVALID_ARGUMENT says what is wrong.
absl::StatusOr<std::vector<TextLength>> ParseTextLengths(absl::string_view text);

// Texts in the given mix, made of common words, so that a word is about a token.
class TextMix {
 public:
  TextMix(const std::vector<TextLength>& lengths, uint64_t seed);
  std::string Next();

 private:
  const std::vector<TextLength> lengths_;
  std::mt19937_64 random_;
  std::discrete_distribution<size_t> choice_;
};

// "1,2,5" as multiples of a rate; INVALID_ARGUMENT says what is wrong.
absl::StatusOr<std::vector<double>> ParseMultiples(absl::string_view text);

}  // namespace sluice
