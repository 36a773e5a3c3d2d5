// schema.org JobPosting, as job boards put it into pages for search engines. Pure.
//
// Read: identifier, title, description (HTML), datePosted, employmentType, hiringOrganization.name,
// jobLocation.address, jobLocationType TELECOMMUTE, applicantLocationRequirements.name, baseSalary (value,
// minValue, maxValue, unitText, currency), url. schema.org is an open vocabulary: other properties are left
// out.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "absl/status/statusor.h"
#include "client/cpp/formats/input_place.h"
#include "client/cpp/formats/posting_columns.h"

namespace sluice {

// Whether "@type" names JobPosting, alone or in a list, with or without schema.org's address.
bool IsJobPosting(const nlohmann::json& value);

// Whether the object is JSON-LD at all: has "@type", "@context" or "@graph".
bool IsJsonLd(const nlohmann::json& value);

absl::StatusOr<RawPosting> FieldsFromJobPosting(const nlohmann::json& posting, const InputPlace& place);

}  // namespace sluice
