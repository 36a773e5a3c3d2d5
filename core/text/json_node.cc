#include "core/text/json_node.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace sluice {

absl::Status JsonNode::Error(absl::string_view what) const {
  return absl::InvalidArgumentError(key_.empty() ? absl::StrCat(file_, ": ", what)
                                                 : absl::StrCat(file_, ": ", key_, ": ", what));
}

absl::Status JsonNode::OnlyKeys(std::initializer_list<absl::string_view> keys) const {
  if (!value_->is_object()) return Error("must be an object");
  for (const auto& [key, value] : value_->items()) {
    if (std::find(keys.begin(), keys.end(), absl::string_view(key)) == keys.end()) {
      return At(value, absl::StrCat(key_.empty() ? "" : ".", key)).Error("unknown key");
    }
  }
  return absl::OkStatus();
}

bool JsonNode::Has(absl::string_view key) const {
  if (!value_->is_object()) return false;
  const auto found = value_->find(std::string(key));
  return found != value_->end() && !found->is_null();
}

absl::StatusOr<JsonNode> JsonNode::Member(absl::string_view key) const {
  if (!value_->is_object()) return Error("must be an object");
  const auto found = value_->find(std::string(key));
  const std::string step = absl::StrCat(key_.empty() ? "" : ".", key);
  if (found == value_->end()) return At(*value_, step).Error("missing");
  return At(*found, step);
}

absl::StatusOr<std::vector<JsonNode>> JsonNode::Elements() const {
  if (!value_->is_array()) return Error("must be an array");
  std::vector<JsonNode> elements;
  for (const nlohmann::json& element : *value_) {
    elements.push_back(At(element, absl::StrCat("[", elements.size(), "]")));
  }
  return elements;
}

absl::StatusOr<std::vector<std::pair<std::string, JsonNode>>> JsonNode::Members() const {
  if (!value_->is_object()) return Error("must be an object");
  std::vector<std::pair<std::string, JsonNode>> members;
  for (const auto& [key, value] : value_->items()) {
    members.emplace_back(key, At(value, absl::StrCat("[\"", key, "\"]")));
  }
  return members;
}

absl::StatusOr<bool> JsonNode::Bool() const {
  if (!value_->is_boolean()) return Error("must be true or false");
  return value_->get<bool>();
}

absl::StatusOr<std::string> JsonNode::String() const {
  if (!value_->is_string()) return Error("must be a string");
  return value_->get<std::string>();
}

absl::StatusOr<int32_t> JsonNode::Count() const {
  constexpr uint64_t kMax = std::numeric_limits<int32_t>::max() - 1;
  if (!value_->is_number_unsigned() || value_->get<uint64_t>() > kMax) {
    return Error(absl::StrCat("must be an integer from 0 to ", kMax));
  }
  return static_cast<int32_t>(value_->get<uint64_t>());
}

absl::StatusOr<bool> JsonNode::Bool(absl::string_view key) const {
  SLUICE_ASSIGN_OR_RETURN(const JsonNode member, Member(key));
  return member.Bool();
}

absl::StatusOr<std::string> JsonNode::String(absl::string_view key) const {
  SLUICE_ASSIGN_OR_RETURN(const JsonNode member, Member(key));
  return member.String();
}

absl::StatusOr<int32_t> JsonNode::Count(absl::string_view key) const {
  SLUICE_ASSIGN_OR_RETURN(const JsonNode member, Member(key));
  return member.Count();
}

JsonNode JsonNode::At(const nlohmann::json& value, absl::string_view key) const {
  JsonNode node(value, file_);
  node.key_ = absl::StrCat(key_, key);
  return node;
}

}  // namespace sluice
