// JsonNode: a value inside a JSON file that knows the way to itself, so that every error names file and key.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// A view of a document that must outlive it. All errors are INVALID_ARGUMENT "<file>: <key>: <what is
// wrong>".
class JsonNode {
 public:
  JsonNode(const nlohmann::json& value, std::string file) : value_(&value), file_(std::move(file)) {}

  absl::Status Error(absl::string_view what) const;

  // An error when this is no object or holds a key that is not in `keys`: what is not understood is not
  // skipped.
  absl::Status OnlyKeys(std::initializer_list<absl::string_view> keys) const;

  bool IsNull() const { return value_->is_null(); }
  bool Has(absl::string_view key) const;  // present and not null
  absl::StatusOr<JsonNode> Member(absl::string_view key) const;
  absl::StatusOr<std::vector<JsonNode>> Elements() const;
  absl::StatusOr<std::vector<std::pair<std::string, JsonNode>>> Members() const;

  absl::StatusOr<bool> Bool() const;
  absl::StatusOr<std::string> String() const;
  absl::StatusOr<int32_t> Count() const;  // 0 to 2^31 - 2

  absl::StatusOr<bool> Bool(absl::string_view key) const;
  absl::StatusOr<std::string> String(absl::string_view key) const;
  absl::StatusOr<int32_t> Count(absl::string_view key) const;

 private:
  JsonNode At(const nlohmann::json& value, absl::string_view key) const;

  const nlohmann::json* value_;
  std::string file_;
  std::string key_;  // "model.vocab", "added_tokens[3].id"; empty at the top
};

}  // namespace sluice
