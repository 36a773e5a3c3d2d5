#include "client/cpp/formats/schema_org.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "client/cpp/formats/plain_text.h"
#include "client/cpp/formats/schema_org_pay.h"
#include "client/cpp/formats/schema_org_value.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

std::string AddressText(const Json& address) {
  if (!address.is_object()) return TextOf(address);
  std::vector<std::string> parts;
  for (const char* part : {"addressLocality", "addressRegion", "addressCountry"}) {
    std::string text = TextOf(MemberOf(address, part));
    if (!text.empty() && std::find(parts.begin(), parts.end(), text) == parts.end())
      parts.push_back(std::move(text));
  }
  if (parts.empty()) return TextOf(MemberOf(address, "streetAddress"));
  return absl::StrJoin(parts, ", ");
}

// Of a place, its address, or what stands for either.
std::string PlaceName(const Json& place) {
  const Json& address = MemberOf(place, "address");
  std::string text = JoinedTextOf(address, "; ", AddressText);
  if (text.empty()) text = AddressText(place);
  return text.empty() ? TextOf(place) : text;
}

std::string TypeName(absl::string_view type) {
  return std::string(type.substr(type.find_last_of("/:#") + 1));
}

bool IsRemoteWord(const std::string& word) {
  return absl::StrContains(absl::AsciiStrToUpper(word), "TELECOMMUTE") ||
         absl::EqualsIgnoreCase(word, "remote");
}

std::string IdentifierText(const Json& identifier) {
  return TextOf(identifier.is_object() ? MemberOf(identifier, "value") : identifier);
}

// What a requirement says that is a thing and no text.
std::string RequirementText(const Json& requirement) {
  if (!requirement.is_object()) return TextOf(requirement);
  const std::string months = TextOf(MemberOf(requirement, "monthsOfExperience"));
  if (!months.empty()) return absl::StrCat(months, " months of experience");
  for (const char* member : {"name", "description", "credentialCategory", "@value"}) {
    std::string text = TextOf(MemberOf(requirement, member));
    if (!text.empty()) return text;
  }
  return "";
}

class PostingReader {
 public:
  PostingReader(const Json& posting, const InputPlace& place, const ThingsById& things, InputNotes& notes)
      : posting_(posting), place_(place), things_(things), notes_(notes) {}

  std::optional<RawPosting> Read() {
    Set(PostingColumn::kTitle, MemberOf(posting_, "title").is_null() ? "name" : "title");
    SetText(PostingColumn::kDescription, "description", JoinedTextOf(Member("description"), "\n", TextOf));
    AddFurtherTexts();
    if (IsEmpty()) {
      notes_.Add(place_, "", "a JobPosting that has neither title nor description; left out");
      return std::nullopt;
    }
    fields_.LetIdRepeat();
    SetText(PostingColumn::kId, "identifier", FirstTextOf(Member("identifier"), IdentifierText));
    Set(PostingColumn::kDatePosted, "datePosted");
    SetText(PostingColumn::kJobType, "employmentType", JoinedTextOf(Member("employmentType"), ", ", TextOf));
    Set(PostingColumn::kCompany, "hiringOrganization");
    SetPlace();
    SetRemote();
    SetUrl();
    ReadJobPostingPay(posting_, place_, fields_, notes_);
    return std::move(fields_);
  }

 private:
  const Json& Member(const char* name) const { return things_.Meant(MemberOf(posting_, name)); }

  void Set(PostingColumn column, const char* name) { SetText(column, name, TextOf(Member(name))); }

  // Notes what is there and has no text.
  void SetText(PostingColumn column, const char* name, std::string text) {
    if (column != PostingColumn::kDescription) text = OnOneLine(std::move(text));
    if (!text.empty()) {
      (void)fields_.Set(column, name, std::move(text), place_);  // each column is set once
    } else if (HasContent(Member(name))) {
      notes_.Add(place_, name, "is in a form that is not known; left out");
    }
  }

  void AddFurtherTexts() {
    for (const char* name : {"responsibilities", "qualifications", "skills", "experienceRequirements",
                             "educationRequirements"}) {
      const Json& value = Member(name);
      std::string text =
          JoinedTextOf(value, absl::string_view(name) == "skills" ? ", " : "\n", RequirementText);
      if (!text.empty()) {
        fields_.AddText(name, std::move(text));
      } else if (HasContent(value)) {
        notes_.Add(place_, name, "is in a form that is not known; left out");
      }
    }
  }

  bool IsEmpty() const {
    const auto blank = [](absl::string_view text) { return absl::StripAsciiWhitespace(text).empty(); };
    if (!blank(PlainLine(fields_.Value(PostingColumn::kTitle))) || !fields_.texts().empty()) return false;
    const absl::StatusOr<MappedText> text = PlainText(fields_.Value(PostingColumn::kDescription));
    return text.ok() && blank(text->text());
  }

  void SetPlace() {
    std::string place = JoinedTextOf(Member("jobLocation"), "; ", PlaceName);
    const bool elsewhere = place.empty();
    if (elsewhere) place = JoinedTextOf(Member("applicantLocationRequirements"), "; ", PlaceName);
    const bool by_applicant = elsewhere && !place.empty();
    SetText(PostingColumn::kLocation, by_applicant ? "applicantLocationRequirements" : "jobLocation",
            std::move(place));
  }

  void SetRemote() {
    const std::string type = JoinedTextOf(Member("jobLocationType"), ", ", TypeOfPlace);
    if (IsRemoteWord(type)) {
      SetText(PostingColumn::kIsRemote, "jobLocationType", "true");
    } else if (!type.empty()) {
      notes_.Add(place_, "jobLocationType",
                 absl::StrCat(QuotedForTerminal(type), " is not TELECOMMUTE; left out"));
    }
  }

  static std::string TypeOfPlace(const Json& type) {
    return TypeName(type.is_object() && !MemberOf(type, "@id").is_null() ? TextOf(MemberOf(type, "@id"))
                                                                         : TextOf(type));
  }

  // "#job" is an address within the page, and the same in every page of a site.
  void SetUrl() {
    for (const char* name : {"url", "@id", "mainEntityOfPage"}) {
      std::string url = AddressOf(MemberOf(posting_, name));
      if (absl::string_view(name) != "url" && !absl::StartsWith(url, "http")) continue;
      if (url.empty()) continue;
      return SetText(PostingColumn::kJobUrl, name, std::move(url));
    }
  }

  const Json& posting_;
  const InputPlace& place_;
  const ThingsById& things_;
  InputNotes& notes_;
  RawPosting fields_;
};

}  // namespace

bool IsJobPosting(const Json& value) {
  const auto names_it = [](const Json& type) {
    return type.is_string() &&
           absl::EqualsIgnoreCase(TypeName(type.get_ref<const std::string&>()), "JobPosting");
  };
  const Json* type = &MemberOf(value, "@type");
  if (type->is_null()) type = &MemberOf(value, "type");
  return type->is_array() ? std::any_of(type->begin(), type->end(), names_it) : names_it(*type);
}

bool IsJsonLd(const Json& value) {
  return !MemberOf(value, "@type").is_null() || !MemberOf(value, "@context").is_null() ||
         !MemberOf(value, "@graph").is_null();
}

std::optional<RawPosting> FieldsFromJobPosting(const Json& posting, const InputPlace& place,
                                               const ThingsById& things, InputNotes& notes) {
  return PostingReader(posting, place, things, notes).Read();
}

}  // namespace sluice
