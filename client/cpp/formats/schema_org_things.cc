#include "client/cpp/formats/schema_org_things.h"

#include <utility>

#include "client/cpp/formats/schema_org_value.h"

namespace sluice {

using Json = nlohmann::json;

void ThingsById::See(const Json& thing) {
  const Json& id = MemberOf(thing, "@id");
  if (!id.is_string() || things_.size() >= kMaxThings) return;
  Json kept;
  for (const char* name : {"name", "legalName", "address"}) {
    const Json& member = MemberOf(thing, name);
    if (HasContent(member)) kept[name] = member;
  }
  if (kept.is_null() || kept.dump().size() > kMaxThingBytes) return;
  things_.try_emplace(id.get<std::string>(), std::move(kept));
}

const Json& ThingsById::Meant(const Json& value) const {
  const Json& first = value.is_array() && !value.empty() ? value.front() : value;
  const Json& id = MemberOf(first, "@id");
  if (!id.is_string()) return value;
  for (const auto& [name, member] : first.items()) {
    if (name != "@id" && name != "@type" && HasContent(member)) return value;
  }
  const auto found = things_.find(id.get_ref<const std::string&>());
  return found == things_.end() ? value : found->second;
}

}  // namespace sluice
