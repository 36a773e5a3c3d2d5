#include "client/cpp/formats/schema_org_pay.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/formats/plain_text.h"
#include "client/cpp/formats/schema_org_value.h"
#include "client/cpp/formats/written_number.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

struct Amounts {
  std::string low;
  std::string high;
};

bool HasDigit(absl::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return absl::ascii_isdigit(c); });
}

// "0", "0.00": what plugins write for nothing.
bool IsZero(absl::string_view text) {
  return absl::StrContains(text, '0') && text.find_first_not_of("0., ") == absl::string_view::npos;
}

// What stands behind the last digit.
absl::string_view Behind(absl::string_view amount) {
  return amount.substr(amount.find_last_of("0123456789") + 1);
}

struct Range {
  size_t at = 0;             // where what connects the ends stands
  size_t between_bytes = 0;  // 0: no range
};

Range RangeIn(absl::string_view text) {
  for (const absl::string_view between : {"\xE2\x80\x93", "\xE2\x80\x94", " - ", " to ", " bis ", " and ",
                                          " und ", " et ", " y ", " à ", " a ", "-"}) {
    const size_t at = text.find(between, 1);
    if (at == absl::string_view::npos) continue;
    if (HasDigit(text.substr(0, at)) && HasDigit(text.substr(at + between.size())))
      return {at, between.size()};
  }
  return {};
}

// Both ends of "40.000 - 50.000 EUR" or the one of "up to £50k"; the text as both where it is neither.
Amounts EndsOf(const std::string& text) {
  const std::string lower = absl::AsciiStrToLower(text);
  for (const absl::string_view up_to : {"up to ", "bis zu ", "bis ", "max. ", "max ", "maximum "}) {
    if (absl::StartsWith(lower, up_to)) return {"", text.substr(up_to.size())};
  }
  const Range range = RangeIn(text);
  for (const absl::string_view from : {"from ", "ab ", "min. ", "min ", "minimum ", "starting at ",
                                       "between ", "zwischen ", "von ", "entre "}) {
    if (!absl::StartsWith(lower, from)) continue;
    if (range.between_bytes == 0) return {text.substr(from.size()), ""};
    return EndsOf(text.substr(from.size()));
  }
  if (range.between_bytes == 0) return {text, text};
  Amounts ends{text.substr(0, range.at), text.substr(range.at + range.between_bytes)};
  // "$150-190k a year": what is said behind the upper end is meant for both.
  if (absl::StripAsciiWhitespace(Behind(ends.low)).empty())
    ends.low = absl::StrCat(absl::StripTrailingAsciiWhitespace(ends.low), Behind(ends.high));
  return ends;
}

std::string OneLine(const Json& value) {
  if (value.is_number()) return WithDecimalPoint(TextOf(value));
  return OnOneLine(PlainLine(TextOf(value)));
}

// A list of two bare amounts is a range.
std::optional<Amounts> PairOf(const Json& list) {
  const auto is_amount = [](const Json& one) {
    return one.is_number() || (one.is_string() && HasDigit(TextOf(one)));
  };
  if (!list.is_array() || list.size() != 2 || !is_amount(list[0]) || !is_amount(list[1])) return std::nullopt;
  return Amounts{OneLine(list[0]), OneLine(list[1])};
}

// The code of UN/CEFACT or the ISO 8601 duration that a unit may be, as a word.
std::string UnitWord(const std::string& unit) {
  static constexpr std::pair<absl::string_view, const char*> kWords[] = {
      {"ANN", "YEAR"},  {"MON", "MONTH"},    {"WEE", "WEEK"},     {"HUR", "HOUR"}, {"P1Y", "YEAR"},
      {"P12M", "YEAR"}, {"P1M", "MONTH"},    {"P1W", "WEEK"},     {"P7D", "WEEK"}, {"P1D", "DAY"},
      {"PT1H", "HOUR"}, {"P2W", "BIWEEKLY"}, {"P14D", "BIWEEKLY"}};
  const auto found = std::find_if(std::begin(kWords), std::end(kWords),
                                  [&](const auto& word) { return absl::EqualsIgnoreCase(word.first, unit); });
  return found == std::end(kWords) ? unit : found->second;
}

std::string FirstMember(std::initializer_list<const Json*> things, std::initializer_list<const char*> names) {
  for (const Json* thing : things) {
    for (const char* name : names) {
      std::string text = OneLine(MemberOf(*thing, name));
      if (!text.empty()) return text;
    }
  }
  return "";
}

// The first of a list that is worth reading.
const Json& FirstWithContent(const Json& value) {
  if (!value.is_array()) return value;
  const auto found = std::find_if(value.begin(), value.end(), HasContent);
  return found == value.end() ? MemberOf(value, "") : FirstWithContent(*found);
}

// A template without an amount writes the unit all the same.
bool SaysMoreThanItsUnit(const Json& value) {
  if (!value.is_object()) return HasContent(value);
  const auto items = value.items();
  return std::any_of(items.begin(), items.end(), [](const auto& item) {
    constexpr absl::string_view kBeside[] = {"@type", "unitText", "unitCode", "currency"};
    const bool beside = std::find(std::begin(kBeside), std::end(kBeside), item.key()) != std::end(kBeside);
    return !beside && HasContent(item.value());
  });
}

class PayShape {
 public:
  PayShape(const Json& posting, const InputPlace& place, RawPosting& fields, InputNotes& notes)
      : posting_(posting), place_(place), fields_(fields), notes_(notes) {}

  void Read() {
    const Json& salaries = MemberOf(posting_, "baseSalary");
    const Json& salary = FirstWithContent(salaries);
    const Json& value = FirstWithContent(MemberOf(salary, "value"));
    if (const std::optional<Amounts> pair = PairOf(salaries); pair.has_value()) {
      SetAmounts(*pair, "baseSalary", "baseSalary");
    } else if (!salary.is_object()) {
      SetAmount(OneLine(salary), "baseSalary");
    } else if (const std::optional<Amounts> values = PairOf(MemberOf(salary, "value")); values.has_value()) {
      SetAmounts(*values, "baseSalary.value", "baseSalary.value");
    } else {
      SetAmountsOf(salary, value);
    }
    Set(PostingColumn::kCurrency, "baseSalary.currency",
        FirstMember({&salary, &value, &posting_}, {"currency", "priceCurrency", "salaryCurrency"}));
    const bool read = !fields_.Value(PostingColumn::kMinAmount).empty() ||
                      !fields_.Value(PostingColumn::kMaxAmount).empty();
    if (!read) return;
    Set(PostingColumn::kInterval, "baseSalary.value.unitText",
        UnitWord(FirstMember({&value, &salary}, {"unitText", "unitCode", "duration"})));
    if (salaries.is_array() && salaries.size() > 1 && !PairOf(salaries).has_value())
      notes_.Add(place_, "baseSalary", "is a list; all but the first are left out");
  }

 private:
  void SetAmountsOf(const Json& salary, const Json& value) {
    Amounts range{FirstMember({&value, &salary}, {"minValue", "minPrice"}),
                  FirstMember({&value, &salary}, {"maxValue", "maxPrice"})};
    if (!range.low.empty() || !range.high.empty())
      return SetAmounts(std::move(range), "baseSalary.value.minValue", "baseSalary.value.maxValue");
    std::string exact = value.is_object() ? FirstMember({&value}, {"value", "price"}) : OneLine(value);
    if (exact.empty()) exact = FirstMember({&salary}, {"price"});
    if (!exact.empty()) return SetAmount(exact, "baseSalary.value");
    if (SaysMoreThanItsUnit(value))
      notes_.Add(place_, "baseSalary.value", "is in a form that is not known; left out");
  }

  void SetAmount(const std::string& text, const char* name) {
    if (text.empty()) return;
    if (HasDigit(text)) return SetAmounts(EndsOf(text), name, name);
    notes_.Add(place_, name, absl::StrCat(QuotedForTerminal(text), " is no amount; left out"));
  }

  void SetAmounts(Amounts amounts, const char* low, const char* high) {
    if (IsZero(amounts.low)) amounts.low.clear();
    if (IsZero(amounts.high)) amounts.high.clear();
    Set(PostingColumn::kMinAmount, low, std::move(amounts.low));
    Set(PostingColumn::kMaxAmount, high, std::move(amounts.high));
  }

  void Set(PostingColumn column, const char* name, std::string text) {
    if (!text.empty()) (void)fields_.Set(column, name, std::move(text), place_);  // each column is set once
  }

  const Json& posting_;
  const InputPlace& place_;
  RawPosting& fields_;
  InputNotes& notes_;
};

}  // namespace

void ReadJobPostingPay(const Json& posting, const InputPlace& place, RawPosting& fields, InputNotes& notes) {
  PayShape(posting, place, fields, notes).Read();
  if (HasContent(MemberOf(posting, "estimatedSalary")))
    notes.Add(place, "estimatedSalary", "is an estimate and not what the employer offers; left out");
}

}  // namespace sluice
