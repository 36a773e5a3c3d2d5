// ThingsById: what a page's JobPostings mean by {"@id": "…/#organization"}. Plugins write a graph of things
// that refer to one another so, and the organization stands in another script as often as not.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "absl/container/flat_hash_map.h"

namespace sluice {

// Keeps names and addresses only, of at most kMaxThings, in at most kMaxThingBytes each. Not thread-safe.
class ThingsById {
 public:
  static constexpr size_t kMaxThings = 10'000;
  static constexpr size_t kMaxThingBytes = 8192;

  // Remembers a thing that has an "@id" and a name or an address. The first one of an id counts.
  void See(const nlohmann::json& thing);

  // What is meant by a value that is a mere reference to a thing that was seen; any other `value` itself. The
  // reference is into one of both.
  const nlohmann::json& Meant(const nlohmann::json& value) const;

 private:
  absl::flat_hash_map<std::string, nlohmann::json> things_;
};

}  // namespace sluice
