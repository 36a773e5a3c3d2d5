// Numbers as people and spreadsheets write them, in the way of any country. Pure.
//
//   55000   55000.50   5.5e4   55,000   1,234,567.50   12,00,000 (India)   55.000,50   55000,5
//   1.234.567   55 000 (any kind of space)   55'000   55’000.50   55.000,-   55'000.–
//
// One mark before exactly three digits can be read in two ways: "55.000" is 55 to a program and 55,000 to a
// German. The file's own way decides, and where it is not known, the caller.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

// The sign before decimals.
enum class DecimalMark { kUnknown, kPoint, kComma };

struct WrittenNumber {
  double value = 0;
  // The other way to read it, where there is one.
  std::optional<double> other;
  // Whether the file's way prefers `value`; where it does not, neither reading is better than the other.
  bool preferred = true;
  // The mark that this text alone proves: "55000,5" the comma, "1,234.5" the point.
  DecimalMark shows = DecimalMark::kUnknown;
};

// Of a number of at least 0. Absent for anything else, a sign, a word and what is not finite included.
// "55,000" is taken for two ways only where `decimal` is the comma, "55.000" unless it is the point.
std::optional<WrittenNumber> ReadNumber(absl::string_view text, DecimalMark decimal);

// A number as a program wrote it, where the point is always the decimal mark, so that ReadNumber takes it for
// that, too: "52.885" with a nought behind it. Other texts as they are.
std::string WithDecimalPoint(std::string number);

// `text` with every kind of space (no-break, thin, …) as ' ' and every apostrophe as '\''; without spaces
// around it.
std::string WithPlainSpaces(absl::string_view text);

}  // namespace sluice
