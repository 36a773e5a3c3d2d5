#include "client/cpp/formats/flat_style.h"

#include <optional>

#include "client/cpp/formats/field_values.h"

namespace sluice {

void StyleEvidence::SeeAmount(absl::string_view text) {
  const std::optional<WrittenAmount> amount = ParseAmount(text, DecimalMark::kUnknown);
  if (!amount.has_value()) return;
  comma_ |= amount->number.shows == DecimalMark::kComma;
  point_ |= amount->number.shows == DecimalMark::kPoint;
}

void StyleEvidence::See(const RawPosting& row) {
  SeeAmount(row.Value(PostingColumn::kMinAmount));
  SeeAmount(row.Value(PostingColumn::kMaxAmount));
  const std::string& date = row.Value(PostingColumn::kDatePosted);
  const DateOrder order = OrderShownBy(date);
  day_first_ |= order == DateOrder::kDayFirst;
  month_first_ |= order == DateOrder::kMonthFirst;
  const bool point_date = order == DateOrder::kDayFirst && date.find('.') != std::string::npos;
  hints_at_comma_ |= point_date || IsCommaBoolean(row.Value(PostingColumn::kIsRemote));
}

FlatStyle StyleEvidence::Style(FlatStyle otherwise) const {
  FlatStyle style = otherwise;
  if (comma_ || point_) {
    style.decimal = comma_ && point_ ? DecimalMark::kUnknown
                    : comma_         ? DecimalMark::kComma
                                     : DecimalMark::kPoint;
    style.decimal_is_mixed = comma_ && point_;
  } else if (style.decimal == DecimalMark::kUnknown && hints_at_comma_ && !style.decimal_is_mixed) {
    style.decimal = DecimalMark::kComma;
  }
  if (day_first_ || month_first_) {
    style.dates = day_first_ && month_first_ ? DateOrder::kUnknown
                  : day_first_               ? DateOrder::kDayFirst
                                             : DateOrder::kMonthFirst;
    style.dates_are_mixed = day_first_ && month_first_;
  } else if (style.dates == DateOrder::kUnknown && style.decimal == DecimalMark::kComma &&
             !style.dates_are_mixed) {
    style.dates = DateOrder::kDayFirst;
  }
  return style;
}

}  // namespace sluice
