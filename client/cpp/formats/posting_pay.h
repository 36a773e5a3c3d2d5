// A posting's pay from its columns. Pure.
#pragma once

#include "client/cpp/formats/flat_style.h"
#include "client/cpp/formats/input_notes.h"
#include "client/cpp/formats/input_place.h"
#include "client/cpp/formats/posting_columns.h"
#include "sluice/v1/screening.pb.h"

namespace sluice {

// Sets min_amount, max_amount, currency and interval as far as they are understood; a note says what is left
// out and why. Left out are, besides what cannot be read:
// - amounts whose interval is not understood: they could be anything;
// - an amount that can be read in two ways where neither `style` nor the interval tells which is meant;
// - an amount that nobody is paid at its interval: less than kLeastYearly or more a year than the limits
// below. A sign or an interval beside an amount ("£15.50 per hour") counts where its own column is absent.
// The ends are put in order; an end of 0 is none.
void SetPay(const RawPosting& fields, const InputPlace& place, const FlatStyle& style, InputNotes& notes,
            v1::Posting& posting);

inline constexpr double kLeastYearly = 1'000;
inline constexpr double kMostYearly = 10'000'000;
// Where no currency is known: 60,000,000 may be won.
inline constexpr double kMostYearlyOfAnyUnit = 100'000'000;
// In currencies whose unit is worth little, such as JPY and INR.
inline constexpr double kMostYearlyOfSmallUnits = 1e12;

}  // namespace sluice
