#include "client/cpp/formats/posting_pay.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cpp/formats/field_values.h"

namespace sluice {
namespace {

double PeriodsPerYear(v1::SalaryPeriod period) {
  switch (period) {
    case v1::HOUR:
      return 2080;
    case v1::DAY:
      return 260;
    case v1::WEEK:
      return 52;
    case v1::MONTH:
      return 12;
    default:
      return 1;
  }
}

bool HasSmallUnit(absl::string_view currency) {
  static constexpr absl::string_view kLargeUnits[] = {
      "EUR", "USD", "GBP", "CHF", "CAD", "AUD", "NZD", "SGD", "HKD", "DKK", "SEK", "NOK", "PLN", "ILS", "CNY",
      "AED", "SAR", "QAR", "KWD", "BHD", "OMR", "JOD", "RON", "BGN", "BRL", "ZAR", "MXN", "MYR", "PEN"};
  return std::find(std::begin(kLargeUnits), std::end(kLargeUnits), currency) == std::end(kLargeUnits);
}

class PayReader {
 public:
  PayReader(const RawPosting& fields, const InputPlace& place, const FlatStyle& style, InputNotes& notes)
      : fields_(fields), place_(place), style_(style), notes_(notes) {}

  void ReadInto(v1::Posting& posting) {
    std::optional<WrittenAmount> bottom = Amount(PostingColumn::kMinAmount);
    std::optional<WrittenAmount> top = Amount(PostingColumn::kMaxAmount);
    ReadCurrency(bottom, top);
    posting.set_currency(currency_);
    if (!ReadInterval(bottom, top)) return;
    std::optional<double> low = Value(bottom, PostingColumn::kMinAmount);
    std::optional<double> high = Value(top, PostingColumn::kMaxAmount);
    PutInOrder(low, high);
    if (low.has_value()) posting.set_min_amount(*low);
    if (high.has_value()) posting.set_max_amount(*high);
    if (interval_.has_value()) posting.set_interval(interval_->period);
  }

 private:
  // Many sites write 0 for an end that they do not know.
  static void PutInOrder(std::optional<double>& low, std::optional<double>& high) {
    if (low == 0.0) low.reset();
    if (high == 0.0) high.reset();
    if (low.has_value() && high.has_value() && *low > *high) std::swap(low, high);
  }

  void LeftOut(PostingColumn column, absl::string_view why) {
    // One amount stands for both ends.
    const bool said = column == PostingColumn::kMaxAmount &&
                      fields_.Name(column) == fields_.Name(PostingColumn::kMinAmount) &&
                      fields_.Value(column) == fields_.Value(PostingColumn::kMinAmount);
    if (said) return;
    notes_.Add(place_, fields_.Name(column),
               absl::StrCat(QuotedForTerminal(fields_.Value(column)), " ", why, "; left out"));
  }

  std::optional<WrittenAmount> Amount(PostingColumn column) {
    const std::string& text = fields_.Value(column);
    if (text.empty()) return std::nullopt;
    std::optional<WrittenAmount> amount = ParseAmount(text, style_.decimal);
    if (!amount.has_value()) LeftOut(column, "is not an amount of at least 0, such as 55000 or 27.50");
    return amount;
  }

  // A currency that stands in its column counts before a sign, which several share.
  void ReadCurrency(const std::optional<WrittenAmount>& bottom, const std::optional<WrittenAmount>& top) {
    const std::string& text = fields_.Value(PostingColumn::kCurrency);
    if (text.empty()) {
      if (bottom.has_value()) currency_ = bottom->currency;
      if (top.has_value() && currency_.empty()) currency_ = top->currency;
      return;
    }
    const std::optional<std::string> currency = ParseCurrency(text);
    if (currency.has_value()) {
      currency_ = *currency;
    } else {
      LeftOut(PostingColumn::kCurrency, "is not a currency that is known, such as EUR");
    }
  }

  // False when the amounts mean nothing, for want of what they are paid for.
  bool ReadInterval(const std::optional<WrittenAmount>& bottom, const std::optional<WrittenAmount>& top) {
    const std::string& text = fields_.Value(PostingColumn::kInterval);
    std::optional<PayInterval> beside;
    if (bottom.has_value()) beside = bottom->interval;
    if (top.has_value() && top->interval.has_value()) beside = top->interval;
    const bool both = bottom.has_value() && bottom->interval.has_value() && beside.has_value();
    if (both && bottom->interval != beside) {
      LeftOut(PostingColumn::kMaxAmount, "is for another time than the lower end, so the pay is unknown");
      return false;
    }
    interval_ = text.empty() ? beside : ParseInterval(text);
    if (!text.empty() && !interval_.has_value()) {
      LeftOut(PostingColumn::kInterval,
              "is not one of hourly, daily, weekly, biweekly, semi-monthly, monthly, yearly, so the pay is "
              "unknown");
      return false;
    }
    if (!beside.has_value() || beside == interval_) return true;
    LeftOut(PostingColumn::kInterval, "is not what stands beside the amount, so the pay is unknown");
    return false;
  }

  bool IsPay(double amount) const {
    if (!interval_.has_value() || amount == 0) return true;
    const double yearly = amount * interval_->times * PeriodsPerYear(interval_->period);
    const double most = currency_.empty()         ? kMostYearlyOfAnyUnit
                        : HasSmallUnit(currency_) ? kMostYearlyOfSmallUnits
                                                  : kMostYearly;
    return yearly >= kLeastYearly && yearly <= most;
  }

  std::optional<double> Value(const std::optional<WrittenAmount>& amount, PostingColumn column) {
    if (!amount.has_value()) return std::nullopt;
    const WrittenNumber& number = amount->number;
    double value = number.value;
    if (number.other.has_value()) {
      const bool first = IsPay(number.value), second = IsPay(*number.other);
      if (first == second && !(first && number.preferred)) {
        LeftOut(column, absl::StrCat("can be read as ", number.value, " or ", *number.other));
        return std::nullopt;
      }
      if (!first) value = *number.other;
    }
    if (!IsPay(value)) {
      LeftOut(column, "is no pay that anybody gets at this interval");
      return std::nullopt;
    }
    return value * (interval_.has_value() ? interval_->times : 1);
  }

  const RawPosting& fields_;
  const InputPlace& place_;
  const FlatStyle& style_;
  InputNotes& notes_;
  std::string currency_;
  std::optional<PayInterval> interval_;
};

}  // namespace

void SetPay(const RawPosting& fields, const InputPlace& place, const FlatStyle& style, InputNotes& notes,
            v1::Posting& posting) {
  PayReader(fields, place, style, notes).ReadInto(posting);
}

}  // namespace sluice
