// A JobPosting's pay: which of the many shapes of baseSalary holds which column. What the texts mean is read
// where every file's are, in posting_object.h. Pure.
//
//   45000   "£40,000 - £50,000 per annum"   [{…}, {…}] (the first that has an amount)
//   {currency, value: 45000 | "40k-50k" | {value, minValue, maxValue, unitText}}   the same members outside
//   {priceCurrency, price | minPrice, maxPrice, unitCode: "ANN"}, {…, duration: "P1Y"}
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "client/cpp/formats/input_notes.h"
#include "client/cpp/formats/input_place.h"
#include "client/cpp/formats/posting_columns.h"

namespace sluice {

// Sets amounts, currency and interval as the page writes them. An end of 0 is none. An estimatedSalary is no
// promise: it is left out with a note.
void ReadJobPostingPay(const nlohmann::json& posting, const InputPlace& place, RawPosting& fields,
                       InputNotes& notes);

}  // namespace sluice
