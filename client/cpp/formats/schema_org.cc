#include "client/cpp/formats/schema_org.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

const Json& Member(const Json& value, const char* name) {
  static const Json* const kNull = new Json();
  if (!value.is_object()) return *kNull;
  const auto found = value.find(name);
  return found == value.end() ? *kNull : *found;
}

// Text of a scalar, "" for anything else.
std::string Scalar(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  return "";
}

// schema.org lets a thing stand for itself, for its name, or for a list of either: the first one's `member`.
std::string NameOf(const Json& value, const char* member = "name") {
  if (value.is_array()) return value.empty() || value.front().is_array() ? "" : NameOf(value.front(), member);
  if (value.is_object()) return Scalar(Member(value, member));
  return Scalar(value);
}

std::string AddressText(const Json& address) {
  if (!address.is_object()) return Scalar(address);
  std::vector<std::string> parts;
  for (const char* part : {"addressLocality", "addressRegion", "addressCountry"}) {
    std::string text = NameOf(Member(address, part));
    if (!text.empty() && std::find(parts.begin(), parts.end(), text) == parts.end())
      parts.push_back(std::move(text));
  }
  return absl::StrJoin(parts, ", ");
}

std::string LocationText(const Json& posting) {
  const Json& location = Member(posting, "jobLocation");
  std::vector<std::string> places;
  const auto add = [&](const Json& place) {
    std::string text = AddressText(place.is_object() ? Member(place, "address") : place);
    if (text.empty()) text = NameOf(place);
    if (!text.empty()) places.push_back(std::move(text));
  };
  if (location.is_array()) {
    for (const Json& place : location) add(place);
  } else {
    add(location);
  }
  if (places.empty()) return NameOf(Member(posting, "applicantLocationRequirements"));
  return absl::StrJoin(places, "; ");
}

std::string JoinedText(const Json& value) {
  if (!value.is_array()) return Scalar(value);
  std::vector<std::string> parts;
  for (const Json& part : value) parts.push_back(Scalar(part));
  return absl::StrJoin(parts, ", ");
}

struct Fields {
  const InputPlace& place;
  RawPosting raw;

  absl::Status Set(PostingColumn column, absl::string_view name, std::string value) {
    if (value.empty()) return absl::OkStatus();
    return raw.Set(column, name, std::move(value), place);
  }
};

absl::Status SetSalary(const Json& posting, Fields& fields) {
  const Json& salary = Member(posting, "baseSalary");
  if (salary.is_null()) return absl::OkStatus();
  const Json& value = salary.is_object() ? Member(salary, "value") : salary;
  const Json& range = value.is_object() ? value : salary;
  std::string exact = Scalar(value.is_object() ? Member(value, "value") : value);
  std::string bottom = Scalar(Member(range, "minValue"));
  std::string top = Scalar(Member(range, "maxValue"));
  std::string unit = Scalar(Member(value, "unitText"));
  if (unit.empty()) unit = Scalar(Member(salary, "unitText"));
  std::string currency = Scalar(Member(salary, "currency"));
  if (currency.empty()) currency = Scalar(Member(posting, "salaryCurrency"));
  if (bottom.empty() && top.empty()) bottom = top = exact;

  SLUICE_RETURN_IF_ERROR(
      fields.Set(PostingColumn::kMinAmount, "baseSalary.value.minValue", std::move(bottom)));
  SLUICE_RETURN_IF_ERROR(fields.Set(PostingColumn::kMaxAmount, "baseSalary.value.maxValue", std::move(top)));
  SLUICE_RETURN_IF_ERROR(fields.Set(PostingColumn::kInterval, "baseSalary.value.unitText", std::move(unit)));
  return fields.Set(PostingColumn::kCurrency, "baseSalary.currency", std::move(currency));
}

}  // namespace

bool IsJobPosting(const Json& value) {
  const auto names_it = [](const Json& type) {
    return type.is_string() &&
           (type == "JobPosting" || absl::EndsWith(type.get_ref<const std::string&>(), "/JobPosting") ||
            absl::EndsWith(type.get_ref<const std::string&>(), ":JobPosting"));
  };
  const Json& type = Member(value, "@type");
  return type.is_array() ? std::any_of(type.begin(), type.end(), names_it) : names_it(type);
}

bool IsJsonLd(const Json& value) {
  return !Member(value, "@type").is_null() || !Member(value, "@context").is_null() ||
         !Member(value, "@graph").is_null();
}

absl::StatusOr<RawPosting> FieldsFromJobPosting(const Json& posting, const InputPlace& place) {
  Fields fields{place, {}};
  const Json& identifier = Member(posting, "identifier");
  std::string url = Scalar(Member(posting, "url"));
  if (url.empty()) url = Scalar(Member(posting, "@id"));
  const bool remote = absl::StrContains(JoinedText(Member(posting, "jobLocationType")), "TELECOMMUTE");

  SLUICE_RETURN_IF_ERROR(fields.Set(PostingColumn::kId, "identifier", NameOf(identifier, "value")));
  SLUICE_RETURN_IF_ERROR(fields.Set(PostingColumn::kTitle, "title", Scalar(Member(posting, "title"))));
  SLUICE_RETURN_IF_ERROR(
      fields.Set(PostingColumn::kDescription, "description", Scalar(Member(posting, "description"))));
  SLUICE_RETURN_IF_ERROR(
      fields.Set(PostingColumn::kDatePosted, "datePosted", Scalar(Member(posting, "datePosted"))));
  SLUICE_RETURN_IF_ERROR(
      fields.Set(PostingColumn::kJobType, "employmentType", JoinedText(Member(posting, "employmentType"))));
  SLUICE_RETURN_IF_ERROR(fields.Set(PostingColumn::kCompany, "hiringOrganization",
                                    NameOf(Member(posting, "hiringOrganization"))));
  SLUICE_RETURN_IF_ERROR(fields.Set(PostingColumn::kLocation, "jobLocation", LocationText(posting)));
  SLUICE_RETURN_IF_ERROR(fields.Set(PostingColumn::kIsRemote, "jobLocationType", remote ? "true" : ""));
  SLUICE_RETURN_IF_ERROR(fields.Set(PostingColumn::kJobUrl, "url", std::move(url)));
  SLUICE_RETURN_IF_ERROR(SetSalary(posting, fields));
  return std::move(fields.raw);
}

}  // namespace sluice
