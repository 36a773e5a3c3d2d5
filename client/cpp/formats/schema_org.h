// schema.org JobPosting, as job boards put it into pages for search engines. Pure.
//
// Read: identifier, title (or name), description, datePosted, employmentType, hiringOrganization, jobLocation
// and jobLocationType, applicantLocationRequirements where there is no jobLocation, baseSalary with
// salaryCurrency, url (or an address as @id or mainEntityOfPage); and, behind the description, what stands in
// responsibilities, qualifications, skills, experienceRequirements and educationRequirements. schema.org is
// an open vocabulary: other properties are left out.
//
// A property may be a text, a number, a thing with a name, {"@value": …}, or a list of these, and may be
// written "schema:title" or with schema.org's whole address.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "client/cpp/formats/input_notes.h"
#include "client/cpp/formats/input_place.h"
#include "client/cpp/formats/posting_columns.h"
#include "client/cpp/formats/schema_org_things.h"

namespace sluice {

// Whether "@type" (or "type", as schema.org's context allows) names JobPosting, alone or in a list, with or
// without schema.org's address.
bool IsJobPosting(const nlohmann::json& value);

// Whether the object is JSON-LD at all: has "@type", "@context" or "@graph".
bool IsJsonLd(const nlohmann::json& value);

// The posting's fields as text, still to be understood. `things` are those that it may refer to. A property
// in a form that is not known is left out with a note. Absent, with a note, for a JobPosting that has neither
// title nor description, such as a mere reference to another one.
std::optional<RawPosting> FieldsFromJobPosting(const nlohmann::json& posting, const InputPlace& place,
                                               const ThingsById& things, InputNotes& notes);

}  // namespace sluice
