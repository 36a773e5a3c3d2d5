#include "client/cpp/formats/schema_org_value.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

struct DifferentTexts {
  std::vector<std::string> in_order;
  absl::flat_hash_set<std::string> seen;  // a list may have as many as its file has bytes
};

void AddTexts(const Json& value, TextFunction text_of, DifferentTexts& texts) {
  if (value.is_array()) {
    for (const Json& element : value) AddTexts(element, text_of, texts);
    return;
  }
  std::string text = text_of(value);
  if (!text.empty() && texts.seen.insert(text).second) texts.in_order.push_back(std::move(text));
}

}  // namespace

const Json& MemberOf(const Json& value, absl::string_view name) {
  static const Json* const kNull = new Json();
  if (!value.is_object()) return *kNull;
  for (const absl::string_view prefix : {"", "schema:", "http://schema.org/", "https://schema.org/"}) {
    const auto found = value.find(absl::StrCat(prefix, name));
    if (found != value.end()) return *found;
    if (absl::StartsWith(name, "@")) break;
  }
  return *kNull;
}

std::string TextOf(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  if (value.is_array()) return FirstTextOf(value, TextOf);
  for (const char* member : {"@value", "name", "legalName"}) {
    std::string text = value.is_object() ? TextOf(MemberOf(value, member)) : "";
    if (!text.empty()) return text;
  }
  return "";
}

std::string FirstTextOf(const Json& value, TextFunction text_of) {
  if (!value.is_array()) return text_of(value);
  for (const Json& element : value) {
    std::string text = FirstTextOf(element, text_of);
    if (!text.empty()) return text;
  }
  return "";
}

std::string JoinedTextOf(const Json& value, absl::string_view separator, TextFunction text_of) {
  DifferentTexts texts;
  AddTexts(value, text_of, texts);
  return absl::StrJoin(texts.in_order, separator);
}

std::string AddressOf(const Json& value) {
  return FirstTextOf(value, [](const Json& one) {
    if (!one.is_object()) return TextOf(one);
    std::string address = TextOf(MemberOf(one, "@id"));
    return address.empty() ? TextOf(MemberOf(one, "url")) : address;
  });
}

bool HasContent(const Json& value) {
  if (value.is_string()) return !absl::StripAsciiWhitespace(value.get_ref<const std::string&>()).empty();
  if (value.is_array()) return std::any_of(value.begin(), value.end(), HasContent);
  if (!value.is_object()) return !value.is_null();
  const auto items = value.items();
  return std::any_of(items.begin(), items.end(),
                     [](const auto& item) { return item.key() != "@type" && HasContent(item.value()); });
}

std::string OnOneLine(std::string text) {
  absl::RemoveExtraAsciiWhitespace(&text);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); },
      ' ');
  return text;
}

}  // namespace sluice
