// A property's value in JSON-LD: schema.org lets a text, a thing with a name, or a list of either stand for
// one another. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace sluice {

// null where there is none. "title" is also found as "schema:title" and "https://schema.org/title". The
// reference is into `value`, or to a null that lives for ever.
const nlohmann::json& MemberOf(const nlohmann::json& value, absl::string_view name);

// Of a text, a number or true and false themselves, of a thing its "@value" or its name, of a list the first
// that has a text; "" for anything else.
std::string TextOf(const nlohmann::json& value);

using TextFunction = absl::FunctionRef<std::string(const nlohmann::json&)>;

// `text_of` the value or, in a list of whatever depth, of the first element where it is not empty.
std::string FirstTextOf(const nlohmann::json& value, TextFunction text_of);

// `text_of` the value or, in a list, of each element, without those that are empty or were there before.
std::string JoinedTextOf(const nlohmann::json& value, absl::string_view separator, TextFunction text_of);

// The address that a text or a thing's "@id" or "url" is.
std::string AddressOf(const nlohmann::json& value);

// Whether it says anything: not null, "", nor a thing or a list of such. A thing's "@type" says nothing.
bool HasContent(const nlohmann::json& value);

// White space, line ends among it, as single spaces.
std::string OnOneLine(std::string text);

}  // namespace sluice
